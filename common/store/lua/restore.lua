-- A rebuild found how run arg.run ended. Answers 'restored', or 'present' when the store knows as much or more:
-- a final state of that run stands, and so does any later run.
local task = read()
local run = arg.run
if task.status == 'deleted' or (task.status and task.run > run) then
  return {'present'}
end
if task.status and task.run == run and FINAL[task.status] then
  return {'present'}
end
-- A record that does not tell it: as a holder's finish leaves it; who ended the run without a token had sent no call.
local progress = arg.progress or arg.status == 'completed' and 100 or arg.token and 25 or 0
-- The caller only guesses the end of life where the store has lost it.
local expires_at = arg.expires_at
if task.status and task.run == run then
  expires_at = task.expires_at
  redis.call('HDEL', task_key, 'token', 'lease_until', 'retry_at', 'released')
else
  clear()
end
redis.call('HSET', task_key, 'status', arg.status, 'run', arg.run, 'tenant', arg.tenant, 'lane', arg.lane,
  'created_at', arg.created_at, 'expires_at', expires_at, 'finished_at', arg.finished_at, 'attempts', arg.attempts,
  'progress', progress, 'moved_at', instant_after(task), 'model',
  arg.model or redis.call('HGET', task_key, 'model') or '', place())
if arg.started_at then
  redis.call('HSET', task_key, 'started_at', arg.started_at)
end
if arg.token then
  redis.call('HSET', task_key, 'token', arg.token)
end
local left = math.max(1, arg.finished_at + arg.result_ttl - now)
redis.call('PEXPIRE', task_key, math.max(left, expires_at - now))
redis.call('SET', result_key, arg.result, 'PX', left)
tell(instant_after(task), run, arg.status, progress, arg.attempts)
return {'restored'}
