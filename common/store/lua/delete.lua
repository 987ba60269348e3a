-- The tenant wants nothing kept. What stays until `expires_at` is a mark without content: the record may still come.
-- Answers 'deleted' or 'absent'; deleting twice is 'absent'.
local task = read()
if not task.status or task.status == 'refused' or task.status == 'deleted' or task.tenant ~= arg.tenant then
  return {'absent'}
end
redis.call('DEL', task_key, result_key)
redis.call('HSET', task_key, 'status', 'deleted', 'run', task.run, 'tenant', task.tenant, 'expires_at', task.expires_at)
-- The record is skipped by its age after that; a minute more than that for the clocks.
redis.call('PEXPIRE', task_key, math.max(0, task.expires_at - now) + 60000)
return {'deleted'}
