-- The holder gives the task back, to be claimed again in `delay` ms. `failures` counts attempts that the model failed;
-- `uncalled` says that the claim led to no call, `cause` in a word why it is given back. Answers 'released', 'lost', 'final' or 'deleted'.
local answer, task = hold()
if answer == 'lost' and task.status == 'queued' and task.released == arg.token then
  return {'released'}
end
if answer ~= 'held' then
  return {answer}
end
local attempts = task.attempts
if arg.uncalled then
  attempts = math.max(0, attempts - 1)
else
  remember(task, now, arg.cause)
end
local moved_at = instant_after(task)
redis.call('HSET', task_key, 'status', 'queued', 'progress', 0, 'moved_at', moved_at, 'retry_at', now + arg.delay, 'released', arg.token,
  'failures', arg.failures, 'attempts', attempts)
redis.call('HDEL', task_key, 'token', 'lease_until', 'tokens')
keep_unfinished(task.expires_at)
tell(moved_at, task.run, 'queued', 0, attempts)
return {'released'}
