#include "rproxyd/guard/fleet_script.h"

namespace rproxyd {

// Named limits, as in C++: LOG things said are kept for those who follow, TAIL are told at once, LEASE
// milliseconds after its begin an attempt is taken for lost with its guard.
const std::string_view kFleetScript = R"lua(
local LOG, TAIL, LEASE, LIFE = 10000, 500, 180000, 60000
local ENTRANTS, FAILURES, BACK, LIFTED = 65536, 65536, 3600000, 86400000
local function key(name) return KEYS[1] .. ':' .. name end
local mode, name, lineage = ARGV[1], ARGV[2], ARGV[3]
local heard, window, memory = tonumber(ARGV[4]), tonumber(ARGV[6]), tonumber(ARGV[7])
local function text(number) return string.format('%.0f', number) end

-- A clock that was set back a little stands still: what is said has an order in time, too.
local parts = redis.call('TIME')
local now = tonumber(parts[1]) * 1000 + math.floor(tonumber(parts[2]) / 1000)
local clock = tonumber(redis.call('GET', key('clock')) or '0')
if now < clock and clock - now < BACK then now = clock end
redis.call('SET', key('clock'), text(now))

local function number() return tonumber(redis.call('GET', key('number')) or '0') end
local function guards()
  redis.call('ZREMRANGEBYSCORE', key('guards'), '-inf', text(now - LIFE))
  local list = redis.call('ZRANGE', key('guards'), 0, -1, 'WITHSCORES')
  for i = 2, #list, 2 do list[i] = text(now - tonumber(list[i])) end
  return list
end

local kept = redis.call('GET', key('lineage'))
if mode == 'join' then
  -- Lost altogether, or set back to what it was before: nothing that is kept there can be relied on
  -- to be all.
  if not kept or (kept == lineage and number() < heard) then
    kept = ARGV[5]
    redis.call('SET', key('lineage'), kept)
    redis.call('SET', key('number'), text(math.max(number(), heard)))
    redis.call('DEL', key('log'))
  end
  return {kept, text(now), text(number()), 'join', {}, guards()}
end
if kept ~= lineage then return {kept or '', text(now), text(number()), 'anew', {}, {}} end
redis.call('ZADD', key('guards'), text(now), name)

local said = number()
local function say(kind, id, what, payload)
  said = said + 1
  redis.call('ZADD', key('log'), text(said),
             table.concat({text(said), text(now), kind, id, what, payload}, ' '))
end
local function forget_open(id)
  redis.call('HDEL', key('open'), id)
  redis.call('ZREM', key('open_since'), id)
end
local function open(id, payload)
  redis.call('HSET', key('open'), id, payload)
  redis.call('ZADD', key('open_since'), text(now), id)
end
local function fail(id, at, payload)
  if redis.call('ZADD', key('failed'), 'NX', text(at), id) == 0 then return false end
  redis.call('HSET', key('failures'), id, payload)
  return true
end

local act = {}
function act.want(id, what, payload) open(id, payload) say('want', id, what, payload) end
function act.open(id, what, payload) open(id, payload) say('open', id, what, payload) end
function act.none(id, what, payload) forget_open(id) say('none', id, what, payload) end
act['end'] = function(id, what, payload)
  forget_open(id)
  if fail(id, now, payload) then say('end', id, what, payload) end
end
function act.enter(id, what, payload, door)
  if door ~= '' then redis.call('ZADD', key('entrants'), text(now - tonumber(what)), door) end
end
function act.admit(id, what, payload, door)
  forget_open(id)
  redis.call('ZADD', key('entrants'), text(now), door)
  say('admit', id, what, payload)
end
function act.fail(id, what, payload)
  local age = tonumber(what)
  if age < window and fail(id, now - age, payload) then say('fail', id, what, payload) end
end
function act.spend(id, what, payload)
  if redis.call('HEXISTS', key('failures'), id) == 1 then
    redis.call('HSET', key('failures'), id, payload)
  end
end
local function keep_ban(id, what, payload)
  redis.call('HSET', key('bans'), id, payload)
  redis.call('ZADD', key('bans_until'), what, id)
end
act.keep = keep_ban
function act.ban(id, what, payload) keep_ban(id, what, payload) say('ban', id, what, payload) end
-- Of a guard that has been away: what is kept here is newer, and so is what was lifted since its begin.
function act.tell(id, what, payload, since)
  local lifted = tonumber(redis.call('ZSCORE', key('lifted'), id) or '0')
  lifted = math.max(lifted, tonumber(redis.call('GET', key('cleared')) or '0'))
  if redis.call('HEXISTS', key('bans'), id) == 0 and lifted < tonumber(since) then
    act.ban(id, what, payload)
  end
end
function act.lift(id)
  redis.call('ZADD', key('lifted'), text(now), id)
  redis.call('HDEL', key('bans'), id)
  redis.call('ZREM', key('bans_until'), id)
  say('lift', id, '0', '')
end
function act.clear()
  redis.call('DEL', key('bans'), key('bans_until'))
  redis.call('SET', key('cleared'), text(now), 'PX', LIFTED)
  say('clear', '-', '0', '')
end
for i = 8, #ARGV, 5 do act[ARGV[i]](ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]) end

-- The guard has gone, and nobody knows whether the PIN was right.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('open_since'), '-inf', text(now - LEASE),
                               'LIMIT', 0, 100)) do
  local payload = redis.call('HGET', key('open'), id)
  forget_open(id)
  if payload and fail(id, now, payload) then say('end', id, 'lost', payload) end
end
local function trim(sorted, hash, upto, most)
  local old = redis.call('ZRANGEBYSCORE', sorted, '-inf', upto, 'LIMIT', 0, 1000)
  local more = redis.call('ZCARD', sorted) - #old - most
  if more > 0 then
    for _, id in ipairs(redis.call('ZRANGE', sorted, #old, #old + math.min(more, 1000) - 1)) do
      old[#old + 1] = id
    end
  end
  if #old == 0 then return end
  redis.call('ZREM', sorted, unpack(old))
  if hash then redis.call('HDEL', hash, unpack(old)) end
end
trim(key('failed'), key('failures'), text(now - window), FAILURES)
trim(key('bans_until'), key('bans'), text(now), FAILURES)
trim(key('entrants'), nil, text(now - memory), ENTRANTS)
trim(key('lifted'), nil, text(now - LIFTED), FAILURES)
redis.call('SET', key('number'), text(said))

if mode == 'merge' then return {kept, text(now), text(said), 'merge', {}, guards()} end
if mode == 'state' then
  redis.call('ZREMRANGEBYRANK', key('log'), 0, -(LOG + 1))
  local failures = {}
  local times = redis.call('ZRANGE', key('failed'), 0, -1, 'WITHSCORES')
  for i = 1, #times, 2 do
    failures[#failures + 1] = times[i]
    failures[#failures + 1] = text(tonumber(times[i + 1]))
    failures[#failures + 1] = redis.call('HGET', key('failures'), times[i]) or ''
  end
  local entrants = redis.call('ZRANGE', key('entrants'), 0, -1, 'WITHSCORES')
  for i = 2, #entrants, 2 do entrants[i] = text(tonumber(entrants[i])) end
  return {kept, text(now), text(said), 'state', {}, guards(), failures,
          redis.call('HGETALL', key('open')), redis.call('HGETALL', key('bans')), entrants}
end
local first = redis.call('ZRANGE', key('log'), 0, 0, 'WITHSCORES')[2]
if said > heard and (not first or tonumber(first) > heard + 1) then
  return {kept, text(now), text(said), 'anew', {}, {}}
end
local since = redis.call('ZRANGEBYSCORE', key('log'), '(' .. text(heard), '+inf', 'LIMIT', 0, TAIL)
redis.call('ZREMRANGEBYRANK', key('log'), 0, -(LOG + 1))
return {kept, text(now), text(said), 'go', since, guards()}
)lua";

} // namespace rproxyd
