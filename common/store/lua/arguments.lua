-- Before every script. ARGV: its arguments as one JSON object, then pairs of name and bytes for those that are binary.
-- One that is not given is nil; numbers are numbers, truths are booleans.
local arg = cjson.decode(ARGV[1])
for i = 2, #ARGV, 2 do
  arg[ARGV[i]] = ARGV[i + 1]
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
