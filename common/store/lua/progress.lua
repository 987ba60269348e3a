-- The holder tells how far the call is. Answers 'held', 'lost', 'final' or 'deleted'.
local answer, task = hold()
if answer == 'held' then
  redis.call('HSET', task_key, 'progress', arg.progress)
  if arg.tokens then
    redis.call('HSET', task_key, 'tokens', arg.tokens)
  end
  keep_unfinished(task.expires_at)
end
return {answer}
