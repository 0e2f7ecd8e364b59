#include "redis/queue_scripts.h"

namespace nanogrid::redis {
namespace {

// A message is an entry of the stream: b, its body. One that was sent with a delay or delivered
// before also has i, its id; s, when it was sent; n, how often it was delivered. A delivery leases
// the entry; when the lease ends the message gets a new entry, so that an entry's id is a receipt:
// who lost the lease has one that means nothing any more.
constexpr char kPrelude[] = R"lua(
local stream = ARGV[1] .. ':queue'
local delayed, later = stream .. ':delayed', stream .. ':later'
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

-- Makes a leased message visible. Nothing if it was acknowledged.
local function requeue(id)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if entry then
    local f = {n = 0, i = id, s = string.match(id, '^%d+')}
    for k = 1, #entry[2], 2 do f[entry[2][k]] = entry[2][k + 1] end
    redis.call('XADD', stream, '*', 'b', f.b, 'i', f.i, 's', f.s, 'n', f.n + 1)
    redis.call('XDEL', stream, id)
  end
  redis.call('XACK', stream, 'workers', id)
end
)lua";

constexpr char kSend[] = R"lua(
local ids = {}
for k = 2, #ARGV, 3 do
  local delay, id, body = tonumber(ARGV[k]), ARGV[k + 1], ARGV[k + 2]
  if delay > 0 then
    redis.call('HSET', later, id, now .. ' ' .. body)
    redis.call('ZADD', delayed, now + delay, id)
  else
    id = redis.call('XADD', stream, '*', 'b', body)
  end
  ids[#ids + 1] = id
end
return ids
)lua";

constexpr char kReveal[] = R"lua(
if redis.call('EXISTS', stream) == 0 then
  redis.call('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM')
end
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 200)
for _, id in ipairs(due) do
  local message = redis.call('HGET', later, id)
  if message then
    local space = string.find(message, ' ', 1, true)
    redis.call('XADD', stream, '*', 'b', string.sub(message, space + 1), 'i', id,
               's', string.sub(message, 1, space - 1), 'n', 0)
  end
  redis.call('ZREM', delayed, id)
  redis.call('HDEL', later, id)
end

-- Leases are looked at twice a second, by whoever comes first. The idle time of a delivery is
-- measured against the lease that its consumer is named after.
local scan = stream .. ':scan'
local next_scan = tonumber(redis.call('GET', scan) or '0')
if next_scan <= now or next_scan > now + 60000 then
  local leased, more = 0, false
  for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', stream, 'workers')) do
    local name, pending = c[2], c[4]
    local lease = string.match(name, '^lease%-(%d+)$')
    leased = leased + pending
    if lease and pending > 0 then
      local ended = redis.call('XPENDING', stream, 'workers', 'IDLE', lease, '-', '+', 200, name)
      for _, e in ipairs(ended) do requeue(e[1]) end
      more = more or #ended == 200
    end
  end
  next_scan = now + (leased > 0 and 500 + math.floor(leased / 100) or 1000)
  if more then next_scan = now end
  redis.call('SET', scan, next_scan)
end

local next = math.min(next_scan, now + 1000)
local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
if first[2] then next = math.min(next, tonumber(first[2])) end
if next >= now + 1000 then return 1000 end
local duty = stream .. ':duty'
local taken = tonumber(redis.call('GET', duty) or '0')
if taken > now and taken <= next then return 1000 end
local wait = math.max(next - now, 1)
redis.call('SET', duty, next, 'PX', wait + 50)
return wait
)lua";

constexpr char kGiveBack[] = R"lua(
local lost = {}
for k = 2, #ARGV do
  if #redis.call('XPENDING', stream, 'workers', ARGV[k], ARGV[k], 1) > 0 then
    requeue(ARGV[k])
  else
    lost[#lost + 1] = k - 2
  end
end
return lost
)lua";

}  // namespace

const Script& SendScript() {
  static const auto& script = *new Script(std::string(kPrelude) + kSend);
  return script;
}
const Script& RevealScript() {
  static const auto& script = *new Script(std::string(kPrelude) + kReveal);
  return script;
}
const Script& GiveBackScript() {
  static const auto& script = *new Script(std::string(kPrelude) + kGiveBack);
  return script;
}

}  // namespace nanogrid::redis
