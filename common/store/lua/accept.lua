-- The API has the record's acknowledgement. A worker may have been first: then only the record's place is added.
-- Answers 'accepted', 'present', or 'readmitted' where the task was marked as refused while its record was written: a
-- worker may have passed over that record, so it has to be written once more. Nobody can refuse the task after this, and
-- until a worker has claimed it the answer stays the same: who asks again may not have heard it the first time.
local answer = 'accepted'
if redis.call('EXISTS', task_key) == 1 then
  local status, readmitted = unpack(redis.call('HMGET', task_key, 'status', 'readmitted'))
  if status ~= 'refused' then
    redis.call('HSETNX', task_key, 'partition', arg.partition)
    redis.call('HSETNX', task_key, 'offset', arg.offset)
    return {status == 'queued' and readmitted and 'readmitted' or 'present'}
  end
  clear()
  answer = 'readmitted'
end
create('queued')
if answer == 'readmitted' then
  redis.call('HSET', task_key, 'readmitted', 1)
end
return {answer}
