-- The API is about to write the record once more: a worker must not pass it over. Only the mark of a refused record is
-- removed. Answers 'unrefused', or 'untouched'.
if redis.call('HGET', task_key, 'status') ~= 'refused' then
  return {'untouched'}
end
clear()
return {'unrefused'}
