-- A rebuild found the record of a run that has not ended. Answers 'reopened', 'present' when the store knows as much or
-- more, or 'gone' when its time is over. A worker may hold it still: for arg.delay nobody else takes it.
local task = read()
if task.status and not behind(task) then
  return {'present'}
end
if now >= tonumber(arg.expires_at) then
  return {'gone'}
end
clear()
create('queued')
redis.call('HSET', task_key, 'retry_at', now + arg.delay)
return {'reopened'}
