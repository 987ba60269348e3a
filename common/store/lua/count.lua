-- A process adds what it counted to a minute's sums. KEYS: the sums, the number of what this process told last: a repeat
-- adds nothing. Answers 'counted' or 'repeated'.
if tonumber(redis.call('GET', KEYS[2]) or 0) >= arg.number then
  return {'repeated'}
end
for name, amount in pairs(cjson.decode(arg.amounts)) do
  redis.call('HINCRBY', KEYS[1], name, string.format('%.0f', amount))
end
redis.call('PEXPIRE', KEYS[1], arg.kept)
redis.call('SET', KEYS[2], arg.number, 'PX', arg.kept)
return {'counted'}
