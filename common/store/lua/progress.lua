-- The holder tells how far the call is. Answers 'held', 'lost', 'final' or 'deleted'.
-- The key lives until the same moment as before, as for a renewal.
local answer, task = hold()
if answer == 'held' then
  local moved_at = instant_after(task)
  redis.call('HSET', task_key, 'progress', arg.progress, 'moved_at', moved_at, unpack(arg.tokens and {'tokens', arg.tokens} or {}))
  tell(moved_at, task.run, 'processing', arg.progress, task.attempts)
end
return {answer}
