-- A rebuild found the record of a run that has not ended. Answers 'reopened', 'present' when the store knows as much or
-- more, or 'gone' when its time is over. A worker may hold it still: for arg.delay nobody else takes it.
-- Where the store has an end of that run, and no place of its record, it is told this one.
-- arg.known_attempts, arg.known_failures and arg.not_before are the record's own memory, as for a claim.
local task = read()
if task.status and not behind(task) then
  if task.run == arg.run and FINAL[task.status] then
    redis.call('HSETNX', task_key, 'partition', arg.partition)
    redis.call('HSETNX', task_key, 'offset', arg.offset)
  end
  return {'present'}
end
if now >= arg.expires_at then
  return {'gone'}
end
clear()
create('queued')
local retry_at = math.max(now + arg.delay, arg.not_before or 0)
redis.call('HSET', task_key, 'attempts', arg.known_attempts or 0, 'failures', arg.known_failures or 0, 'retry_at',
  math.min(retry_at, arg.expires_at))
tell(now, arg.run, 'queued', 0, arg.known_attempts or 0)
return {'reopened'}
