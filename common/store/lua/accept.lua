-- The API has the record's acknowledgement. A worker may have been first: then only the record's place is added.
-- Answers 'accepted', 'present', or 'readmitted' where the task was marked as refused while its record was written: a
-- worker may have passed over that record, so it has to be written once more. Nobody can refuse the task after this.
local answer = 'accepted'
if redis.call('EXISTS', task_key) == 1 then
  if redis.call('HGET', task_key, 'status') ~= 'refused' then
    redis.call('HSETNX', task_key, 'partition', arg.partition)
    redis.call('HSETNX', task_key, 'offset', arg.offset)
    return {'present'}
  end
  clear()
  answer = 'readmitted'
end
create('queued')
return {answer}
