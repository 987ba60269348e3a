-- The API could not have the record acknowledged and told its client so: should it be in the log all the same,
-- it is skipped. Answers 'refused', or 'present' when a worker was first.
if redis.call('EXISTS', task_key) == 1 then
  return {redis.call('HGET', task_key, 'status') == 'refused' and 'refused' or 'present'}
end
create('refused')
return {'refused'}
