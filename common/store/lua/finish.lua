-- The holder ends the run. Answers 'recorded', 'overdue' (the answer came after `expires_at`: finish as expired),
-- 'lost', 'final' or 'deleted' (somebody else decided first). A repeat with the same token and status is 'recorded' again.
local answer, task = hold()
if answer == 'final' and task.token == arg.token and task.status == arg.status then
  return {'recorded'}
end
if answer ~= 'held' then
  return {answer}
end
if arg.status ~= 'expired' and now >= task.expires_at then
  return {'overdue'}
end
local moved_at = instant_after(task)
local progress = 100
if arg.status ~= 'completed' then
  -- What came of an answer counts for nothing then: as the result record has it.
  progress = math.min(25, tonumber(redis.call('HGET', task_key, 'progress')))
end
redis.call('HSET', task_key, 'status', arg.status, 'finished_at', arg.finished_at, 'failures', arg.failures,
  'moved_at', moved_at, 'progress', progress, 'model', arg.answered_by or arg.model or '')
redis.call('HDEL', task_key, 'lease_until', 'retry_at', 'tokens')
keep_finished(task.expires_at)
redis.call('SET', result_key, arg.result, 'PX', arg.result_ttl)
tell(moved_at, task.run, arg.status, progress, task.attempts)
return {'recorded'}
