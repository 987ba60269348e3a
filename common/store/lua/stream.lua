-- The holder has more of a streamed answer's text: arg.text, after arg.start bytes of this attempt's. KEYS[3] is a stream of
-- such parts; the id of each says the attempt, as below, and the size of the text with it. A part that is told again, perhaps
-- with more behind it, changes nothing that was read. Answers 'held', 'lost', 'final' or 'deleted'.
local answer, task = hold()
if answer == 'held' then
  local moved_at = instant_after(task)
  redis.call('HSET', task_key, 'progress', arg.progress, 'tokens', arg.tokens, 'moved_at', moved_at)
  if arg.start == 0 then
    redis.call('DEL', KEYS[3])
  end
  local id = string.format('%d-%d', arg.run * 1000000 + task.attempts, arg.start + #arg.text)
  redis.pcall('XADD', KEYS[3], 'MAXLEN', '~', arg.most_parts, id, 't', arg.text)
  redis.call('PEXPIRE', KEYS[3], arg.text_ttl)
  tell(moved_at, arg.run, 'processing', arg.progress, task.attempts,
    string.format(' %d\n', arg.start) .. arg.text)
end
return {answer}
