-- The holder goes on. Answers 'held', 'lost' (another holds it, or the caller's lease had lapsed) 'final' or 'deleted'.
local answer, task = hold()
if answer == 'held' then
  redis.call('HSET', task_key, 'lease_until', now + arg.lease)
  keep_unfinished(task.expires_at)
end
return {answer}
