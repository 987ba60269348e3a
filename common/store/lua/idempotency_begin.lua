-- A request with an Idempotency-Key wants to write its tasks. KEYS: the key's record. Answers one of
--   yours ids created_at expires_at publishings   write these under a lease; it is the n-th time that they are written
--   done ids outcome                              they were written: this is the answer
--   busy in                                       another request writes them; its lease ends in so many ms
--   reused                                        the key is another request's
--   unknown                                       nobody has written them, and arg.may_begin forbids to begin
local record = redis.call('HMGET', KEYS[1], 'state', 'fingerprint', 'token', 'lease_until')
local state, fingerprint, token = record[1], record[2], record[3]
local lease_until = tonumber(record[4] or 0)

-- After a clear refusal the client may ask for something else: that begins anew.
if state == 'refused' and fingerprint ~= arg.fingerprint then
  state = false
end
if state and fingerprint ~= arg.fingerprint then
  return {'reused'}
end
if state == 'done' then
  return {'done', unpack(redis.call('HMGET', KEYS[1], 'ids', 'outcome'))}
end
local repeated = state == 'publishing' and token == arg.token
if not repeated then
  if state == 'publishing' and lease_until > now then
    return {'busy', lease_until - now}
  end
  if not arg.may_begin then
    return {'unknown'}
  end
  if not state then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'fingerprint', arg.fingerprint, 'ids', arg.ids, 'created_at', arg.created_at,
      'expires_at', arg.expires_at)
  end
  redis.call('HSET', KEYS[1], 'state', 'publishing', 'token', arg.token, 'lease_until', now + arg.lease)
  redis.call('HINCRBY', KEYS[1], 'publishings', 1)
end
redis.call('PEXPIRE', KEYS[1], arg.ttl)
return {'yours', unpack(redis.call('HMGET', KEYS[1], 'ids', 'created_at', 'expires_at', 'publishings'))}
