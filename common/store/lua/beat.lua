-- A worker says how it is. KEYS: the set of workers by the time of their last word, its own report. Who has been silent
-- for arg.kept ms is forgotten, and of more than arg.most who was silent longest. Answers 'heard'.
redis.call('HSET', KEYS[2], 'beat_at', now, 'report', arg.report)
redis.call('PEXPIRE', KEYS[2], arg.kept)
redis.call('ZADD', KEYS[1], now, arg.worker)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now - arg.kept)
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -(arg.most + 1))
redis.call('PEXPIRE', KEYS[1], arg.kept)
return {'heard'}
