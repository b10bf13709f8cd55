-- Merges what some records say of an actor into its profile: the same profile comes of the same records, in whatever order,
-- batches and repetitions they are merged.
--   KEYS[1]  the profile
--   ARGV     1 seconds it is kept, 2 events kept; 3 source offset and 4 JSON of the newest features, 5 and 6 of the newest
--            scores, empty without; then field and value, in turn, of events and their scores
local profile, kept = KEYS[1], tonumber(ARGV[2])

local function keep_newest(field, at, value)
  if at == '' then return end
  local known = redis.call('HMGET', profile, field .. '_at', field)
  local newer = not known[1] or tonumber(at) > tonumber(known[1])
  if newer or (at == known[1] and value > known[2]) then
    redis.call('HSET', profile, field .. '_at', at, field, value)
  end
end

keep_newest('features', ARGV[3], ARGV[4])
keep_newest('scores', ARGV[5], ARGV[6])

local names = {}
for i = 7, #ARGV, 2 do names[#names + 1] = ARGV[i] end
if #names > 0 then
  local known, fresh = redis.call('HMGET', profile, unpack(names)), {}
  for i, name in ipairs(names) do
    local value = ARGV[6 + 2 * i]
    if not known[i] or value > known[i] then
      fresh[#fresh + 1] = name
      fresh[#fresh + 1] = value
    end
  end
  if #fresh > 0 then redis.call('HSET', profile, unpack(fresh)) end
end

-- Looking through all fields costs more than a few events too many: readers take the newest.
if redis.call('HLEN', profile) > 4 + 2 * (kept + kept / 4) then
  local offsets, seen = {}, {}
  local fields = redis.call('HKEYS', profile)
  for _, name in ipairs(fields) do
    local offset = tonumber(string.match(name, '^[es](%d+)$'))
    if offset and not seen[offset] then
      seen[offset] = true
      offsets[#offsets + 1] = offset
    end
  end
  if #offsets > kept then
    table.sort(offsets)
    local oldest, surplus = offsets[#offsets - kept + 1], {}
    for _, name in ipairs(fields) do
      local offset = tonumber(string.match(name, '^[es](%d+)$'))
      if offset and offset < oldest then surplus[#surplus + 1] = name end
    end
    redis.call('HDEL', profile, unpack(surplus))
  end
end
redis.call('EXPIRE', profile, ARGV[1])
