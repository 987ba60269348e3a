-- A rebuild found that the tenant wanted nothing of the task kept. KEYS[3]: its text. Answers 'deleted'. Whether the task has a dead letter is
-- not known: the mark stays for as long as one would.
local moved_at = instant_after(read())
redis.call('DEL', task_key, result_key, KEYS[3])
redis.call('HSET', task_key, 'status', 'deleted', 'run', 0, 'tenant', '', 'expires_at', arg.expires_at)
redis.call('PEXPIRE', task_key, math.max(arg.letters_kept, arg.expires_at - now + 900000))
tell(moved_at, 0, 'deleted', 0, 0)
return {'deleted'}
