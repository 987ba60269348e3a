-- An operator starts run n+1 of a task whose run n (arg.run) has ended. Answers one of
--   started run     it is queued: publish its record
--   again run       it was started before and nobody has taken it: publishing its record once more is safe
--   moved run       it is under way, or has ended, in another run: leave it
--   completed run   it has its answer, and arg.spare_completed says to leave it then
--   deleted         its tenant wants nothing of it kept
-- With arg.preview nothing is changed. KEYS[3] is the latest run whose record was written by a redrive.
local task = read()
local ended, following = arg.run, arg.run + 1
if task.status == 'deleted' then
  return {'deleted'}
end
if not task.status or task.status == 'refused' then
  local written = tonumber(redis.call('GET', KEYS[3]) or 0)
  if written >= following then
    return {'moved', written}
  end
  if not arg.preview then
    clear()
    arg.run = following
    create('queued')
  end
  return {'started', following}
end
if task.run == following and task.status == 'queued' and task.attempts == 0 then
  return {'again', following}
end
if task.run ~= ended or not FINAL[task.status] then
  return {'moved', task.run}
end
if task.status == 'completed' and arg.spare_completed then
  return {'completed', task.run}
end
if arg.preview then
  return {'started', following}
end
remember(task, redis.call('HGET', task_key, 'finished_at'), task.status)
-- Where the record stands that the next is made from: until that is written, nothing else tells of it.
local partition, offset = unpack(redis.call('HMGET', task_key, 'partition', 'offset'))
if partition and offset then
  redis.call('HSET', task_key, 'origin', partition .. ' ' .. offset)
end
redis.call('DEL', result_key)
redis.call('HDEL', task_key, 'token', 'lease_until', 'released', 'retry_at', 'started_at', 'finished_at', 'tokens',
  'partition', 'offset', 'worker')
redis.call('HSET', task_key, 'status', 'queued', 'run', following, 'progress', 0, 'attempts', 0, 'failures', 0,
  'crashes', 0, 'expires_at', arg.expires_at, 'moved_at', instant_after(task))
keep_unfinished(arg.expires_at)
tell(instant_after(task), following, 'queued', 0, 0)
return {'started', following}
