-- The API has the record's acknowledgement. A worker may have been first: then only the record's place is added.
-- Answers 'accepted' or 'present'.
if redis.call('EXISTS', task_key) == 1 then
  redis.call('HSETNX', task_key, 'partition', arg.partition)
  redis.call('HSETNX', task_key, 'offset', arg.offset)
  return {'present'}
end
create('queued')
return {'accepted'}
