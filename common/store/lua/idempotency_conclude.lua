-- The holder of the lease says what came of its tasks. KEYS: the key's record. arg.state is 'done', or 'refused' when
-- none was accepted and all are marked so. A record that Redis lost meanwhile is written again.
-- Answers 'concluded', or 'superseded' when the lease lapsed and another took it.
local token = redis.call('HGET', KEYS[1], 'token')
if token and token ~= arg.token then
  return {'superseded'}
end
redis.call('HSET', KEYS[1], 'state', arg.state, 'token', arg.token, 'fingerprint', arg.fingerprint, 'ids', arg.ids,
  'created_at', arg.created_at, 'expires_at', arg.expires_at, 'outcome', arg.outcome)
redis.call('HSETNX', KEYS[1], 'publishings', 1)
redis.call('HDEL', KEYS[1], 'lease_until')
redis.call('PEXPIRE', KEYS[1], arg.ttl)
return {'concluded'}
