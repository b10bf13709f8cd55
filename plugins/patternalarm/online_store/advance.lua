-- Notes how far the records of a scope are merged, and keeps the note alive; 0 when Redis no longer holds the generation that
-- they were merged into, so that profiles are missing.
--   KEYS[1]  the scope's own hash
--   ARGV     1 generation, 2 seconds it is kept; then `<topic>:<partition>` and next offset in turn
if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return 0 end
if #ARGV > 2 then redis.call('HSET', KEYS[1], unpack(ARGV, 3)) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
