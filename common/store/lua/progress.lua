-- The holder tells how far the call is. Answers 'held', 'lost', 'final' or 'deleted'.
-- The key lives until the same moment as before, as for a renewal.
local answer = hold()
if answer == 'held' then
  redis.call('HSET', task_key, 'progress', arg.progress, unpack(arg.tokens and {'tokens', arg.tokens} or {}))
end
return {answer}
