-- A worker takes the task under a lease. Answers one of
--   claimed attempts failures crashes expires_in started_at   call the model
--   exhausted (the same)                                      held, but too many workers died with it: make no call
--   busy in | waiting in attempts failures                    another holds it | a retry is due: look again in so many ms
--   final | expired                                           ended before | ended by this very claim
--   refused | deleted                                         never was a task | its tenant wants nothing of it kept
--   stale | gone                                              of another run | past its end and forgotten
--   missing                                                   not there, and arg.may_create forbids to make it anew
--   lapsed                                                    its lease has, and arg.may_take_over forbids to take it
-- Without arg.will_call it is taken to be ended only: no attempt.
-- A store that went back in time may know only an earlier run than the record's: then the record's is missing.
-- arg.known_attempts, arg.known_failures and arg.not_before, where given, are the record's own memory of a task that is
-- not there.
local task = read()
if not task.status or behind(task) then
  if now >= arg.expires_at then
    return {'gone'}
  end
  if not arg.may_create then
    return {'missing'}
  end
  clear()
  create('queued')
  if arg.known_attempts then
    redis.call('HSET', task_key, 'attempts', arg.known_attempts)
  end
  if arg.known_failures then
    redis.call('HSET', task_key, 'failures', arg.known_failures)
  end
  if arg.not_before and arg.not_before > now then
    redis.call('HSET', task_key, 'retry_at', math.min(arg.not_before, arg.expires_at))
  end
  task = read()
end
if task.status == 'refused' or task.status == 'deleted' then
  return {task.status}
end
if task.run ~= arg.run then
  return {'stale'}
end
if FINAL[task.status] then
  return {'final'}
end
if now >= task.expires_at then
  end_now(task, 'expired')
  return {'expired'}
end

local repeated = task.status == 'processing' and task.token == arg.token
if task.status == 'processing' and not repeated then
  if task.lease_until > now then
    return {'busy', task.lease_until - now}
  end
  if not arg.may_take_over then
    return {'lapsed'}
  end
  remember(task, task.lease_until, 'worker_lost')
  task.crashes = task.crashes + 1
elseif task.status == 'queued' and task.retry_at > now then
  return {'waiting', task.retry_at - now, task.attempts, task.failures}
end

local answer = 'claimed'
if task.crashes >= arg.max_crashes then
  answer = 'exhausted'
elseif arg.will_call and not repeated then
  task.attempts = task.attempts + 1
end
local calls = answer == 'claimed' and arg.will_call
local started_at = now
if repeated then
  started_at = tonumber(redis.call('HGET', task_key, 'started_at'))
end
local progress, moved_at = calls and 25 or 0, repeated and task.moved_at or instant_after(task)
redis.call('HSET', task_key, 'status', 'processing', 'progress', progress, 'token', arg.token, 'lease_until', now + arg.lease,
  'attempts', task.attempts, 'failures', task.failures, 'crashes', task.crashes, 'worker', arg.worker,
  'started_at', started_at, 'partition', arg.partition, 'offset', arg.offset, 'moved_at', moved_at,
  'model', arg.model or '')
redis.call('HDEL', task_key, 'retry_at', 'tokens')
keep_unfinished(task.expires_at)
tell(moved_at, task.run, 'processing', progress, task.attempts)
return {answer, task.attempts, task.failures, task.crashes, task.expires_at - now, started_at}
