-- The holder goes on. Answers 'held', 'lost' (another holds it, or the caller's lease had lapsed) 'final' or 'deleted'.
-- The key lives until the same moment as before: that depends on the task's end of life alone.
local answer = hold()
if answer == 'held' then
  redis.call('HSET', task_key, 'lease_until', now + arg.lease)
end
return {answer}
