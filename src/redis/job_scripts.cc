#include "redis/job_scripts.h"

#include <string_view>

namespace nanogrid::redis {
namespace {

constexpr char kPrelude[] = R"lua(
local p = ARGV[1]
local jobs = p .. ':jobs'
local expiring, due_index = jobs .. ':expiring', jobs .. ':due'
local function job_key(id) return p .. ':job:' .. id end

local function lists(fn, status)
  return {jobs .. ':all', jobs .. ':status:' .. status, jobs .. ':function:' .. fn,
          jobs .. ':function:' .. fn .. ':' .. status}
end
local function leave(id, fn, status)
  for _, list in ipairs(lists(fn, status)) do redis.call('ZREM', list, id) end
end
local function enter(id, fn, status, number)
  for _, list in ipairs(lists(fn, status)) do redis.call('ZADD', list, number, id) end
end

-- What expired by itself is taken out of the lists, a few at a time.
local function purge(most)
  local t = redis.call('TIME')
  local now = t[1] * 1000 + math.floor(t[2] / 1000)
  local gone = redis.call('ZRANGEBYSCORE', expiring, '-inf', now, 'LIMIT', 0, most)
  for _, member in ipairs(gone) do
    local id, status, fn = string.match(member, '^(%S+) (%S+) (%S+)$')
    if redis.call('EXISTS', job_key(id)) == 0 then
      leave(id, fn, status)
      redis.call('ZREM', due_index, id)
    end
    redis.call('ZREM', expiring, member)
  end
end

local function tell(stream, number, id, fn, text, json, kept)
  redis.call('XADD', p .. stream, 'MAXLEN', '~', kept, number .. '-0',
             'job', id, 'function', fn, 'event', text)
  redis.call('PUBLISH', p .. stream .. ':' .. id, json)
end
-- Tells of a change: the job's own events, the stream of all, and whoever listens.
local function happened(number, id, fn, text, json, kept)
  local own = job_key(id) .. ':events'
  redis.call('ZADD', own, number, text)
  redis.call('ZREMRANGEBYRANK', own, 0, -1001)
  tell(':events', number, id, fn, text, json, kept)
end
local function next_number()
  return string.format('%.0f', redis.call('INCR', jobs .. ':last'))
end

-- Changes whose answer got lost are asked for again: each has a name, the last four are known.
local function done_before(names, name) return names and string.find(names, name, 1, true) end
local function remember(key, names, name)
  redis.call('HSET', key, 'changes', string.sub(name .. (names or ''), 1, 4 * #name))
end

local fields = {'id', 'function', 'status', 'attempt', 'revision', 'due', 'number', 'record'}
-- Those of `ids` that there are; the others leave the index.
local function load(ids, index, found)
  for _, id in ipairs(ids) do
    local job = redis.call('HMGET', job_key(id), unpack(fields))
    if job[1] then found[#found + 1] = job else redis.call('ZREM', index, id) end
  end
end
)lua";

constexpr char kCreate[] = R"lua(
purge(4)
local id, fn, name, due = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local key = job_key(id)
local there = redis.call('HGETALL', key)
if #there > 0 then return there end
local named = jobs .. ':key:' .. fn .. ':' .. name
if name ~= '' then
  local other = redis.call('GET', named)
  there = other and redis.call('HGETALL', job_key(other)) or {}
  if #there > 0 then return there end
end
local number = next_number()
redis.call('HSET', key, 'id', id, 'function', fn, 'status', 'PENDING', 'attempt', 0, 'revision', 1,
           'due', due, 'number', number, 'record', ARGV[6], 'event', ARGV[7], 'key', name)
if name ~= '' then redis.call('SET', named, id) end
enter(id, fn, 'PENDING', number)
redis.call('ZADD', due_index, due, id)
happened(number, id, fn, ARGV[8], ARGV[9], ARGV[10])
return 1
)lua";

constexpr char kTransition[] = R"lua(
local id, revision, change, status = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local key = job_key(id)
local f = redis.call('HMGET', key, 'revision', 'status', 'function', 'number', 'changes', 'key',
                     'attempt')
if not f[1] then return 'MISSING' end
if done_before(f[5], change) then return 'DONE' end
if f[1] ~= revision then return 'CHANGED' end
local fn = f[3]
redis.call('HSET', key, 'status', status, 'attempt', ARGV[6], 'revision', revision + 1,
           'due', ARGV[7], 'record', ARGV[8])
if ARGV[9] == 'set' then redis.call('HSET', key, 'result', ARGV[10]) end
if ARGV[9] == 'clear' then redis.call('HDEL', key, 'result') end
remember(key, f[5], change)
if status ~= f[2] then
  leave(id, fn, f[2])
  enter(id, fn, status, f[4])
end
redis.call('ZADD', due_index, ARGV[7], id)
local number = next_number()
happened(number, id, fn, ARGV[11], ARGV[12], ARGV[13])
-- Workers hear only of what they do not do themselves all the time.
if f[2] == 'PROCESSING' and status ~= 'SUCCESS' and
   (status ~= 'PROCESSING' or f[7] ~= ARGV[6]) then
  tell(':interruptions', number, id, fn, ARGV[11], ARGV[12], ARGV[13])
end
if ARGV[14] ~= '' then
  redis.call('ZADD', expiring, ARGV[14], id .. ' ' .. status .. ' ' .. fn)
  for _, part in ipairs({'', ':events', ':log'}) do
    redis.call('PEXPIREAT', key .. part, ARGV[14])
  end
  if f[6] and f[6] ~= '' then
    redis.call('PEXPIREAT', jobs .. ':key:' .. fn .. ':' .. f[6], ARGV[14])
  end
end
return 'DONE'
)lua";

constexpr char kExtend[] = R"lua(
local lost = {}
for k = 3, #ARGV, 2 do
  local id = ARGV[k]
  local f = redis.call('HMGET', job_key(id), 'status', 'attempt')
  if f[1] == 'PROCESSING' and f[2] == ARGV[k + 1] then
    redis.call('HSET', job_key(id), 'due', ARGV[2])
    redis.call('ZADD', due_index, ARGV[2], id)
  else
    lost[#lost + 1] = (k - 3) / 2
  end
end
return lost
)lua";

constexpr char kRemove[] = R"lua(
local id = ARGV[2]
local key = job_key(id)
local f = redis.call('HMGET', key, 'status', 'function', 'key')
local status, fn = f[1], f[2]
if not status then return 'MISSING' end
if status == 'PENDING' or status == 'PROCESSING' then return status end
local events = redis.call('ZRANGE', key .. ':events', 0, -1, 'WITHSCORES')
for k = 2, #events, 2 do
  redis.call('XDEL', p .. ':events', events[k] .. '-0')
  redis.call('XDEL', p .. ':interruptions', events[k] .. '-0')
end
leave(id, fn, status)
redis.call('ZREM', due_index, id)
redis.call('ZREM', expiring, id .. ' ' .. status .. ' ' .. fn)
if f[3] and f[3] ~= '' then redis.call('DEL', jobs .. ':key:' .. fn .. ':' .. f[3]) end
redis.call('DEL', key, key .. ':events', key .. ':log')
return 'DONE'
)lua";

constexpr char kAppendLog[] = R"lua(
local key, change = job_key(ARGV[2]), ARGV[4]
local f = redis.call('HMGET', key, 'status', 'attempt', 'changes')
if done_before(f[3], change) then return 'DONE' end
if f[1] ~= 'PROCESSING' or f[2] ~= ARGV[3] then return 'LOST' end
redis.call('APPEND', key .. ':log', ARGV[5])
remember(key, f[3], change)
return 'DONE'
)lua";

constexpr char kList[] = R"lua(
local list, below, limit = jobs .. ARGV[2], ARGV[3], tonumber(ARGV[4])
local found = {}
while #found < limit do
  local ids = redis.call('ZREVRANGEBYSCORE', list, '(' .. below, '-inf', 'WITHSCORES',
                         'LIMIT', 0, limit - #found)
  if #ids == 0 then break end
  below = ids[#ids]
  local page = {}
  for k = 1, #ids, 2 do page[#page + 1] = ids[k] end
  load(page, list, found)
end
return found
)lua";

constexpr char kDue[] = R"lua(
local limit, found = tonumber(ARGV[3]), {}
while true do
  local ids = redis.call('ZRANGEBYSCORE', due_index, '-inf', ARGV[2], 'LIMIT', 0, limit)
  found = {}
  load(ids, due_index, found)
  if #found == #ids then return found end
end
)lua";

constexpr char kCount[] = R"lua(
purge(1000)
local counts = {}
for k, status in ipairs({'PENDING', 'PROCESSING', 'SUCCESS', 'FAILED', 'CANCELLED'}) do
  counts[k] = redis.call('ZCARD', jobs .. ':status:' .. status)
end
return counts
)lua";

const Script& Make(std::string_view lua) {
  return *new Script(std::string(kPrelude) + std::string(lua));
}

}  // namespace

const Script& CreateScript() {
  static const Script& script = Make(kCreate);
  return script;
}
const Script& TransitionScript() {
  static const Script& script = Make(kTransition);
  return script;
}
const Script& ExtendScript() {
  static const Script& script = Make(kExtend);
  return script;
}
const Script& RemoveScript() {
  static const Script& script = Make(kRemove);
  return script;
}
const Script& AppendLogScript() {
  static const Script& script = Make(kAppendLog);
  return script;
}
const Script& ListScript() {
  static const Script& script = Make(kList);
  return script;
}
const Script& DueScript() {
  static const Script& script = Make(kDue);
  return script;
}
const Script& CountScript() {
  static const Script& script = Make(kCount);
  return script;
}

}  // namespace nanogrid::redis
