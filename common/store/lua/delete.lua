-- The tenant wants nothing kept. What stays until `expires_at` is a mark without content: the record may still come. Of a
-- task that may have a dead letter it stays for as long as that.
-- KEYS[3]: its text. Answers 'deleted', 'again' when another request (arg.token) had deleted it before, or 'absent'.
local task = read()
if not task.status or task.status == 'refused' or task.tenant ~= arg.tenant then
  return {'absent'}
end
if task.status == 'deleted' then
  return {task.token == arg.token and 'deleted' or 'again'}
end
redis.call('DEL', task_key, result_key, KEYS[3])
redis.call('HSET', task_key, 'status', 'deleted', 'run', task.run, 'tenant', task.tenant, 'expires_at', task.expires_at,
  'token', arg.token)
-- The record is skipped by its age after that. Longer than any lease, so that no holder finds nothing and restores it.
local mark = math.max(0, task.expires_at - now) + 900000
if task.status == 'failed' or task.run > 1 then
  -- A dead letter tells of it, and must not be redriven for as long as it is kept.
  mark = math.max(mark, arg.letters_kept)
end
redis.call('PEXPIRE', task_key, mark)
tell(instant_after(task), task.run, 'deleted', 0, task.attempts)
wake(task)
return {'deleted'}
