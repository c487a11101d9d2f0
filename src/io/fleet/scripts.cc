#include "io/fleet/scripts.h"

#include <openssl/sha.h>

#include <array>

#include "base/hex.h"

namespace relaypipe {
namespace {

// What always holds after take: `total` is what was used in the window (the fields b*, a 64th of a rolling window each,
// and `seed`) and what hosts were granted and have not used; it passes the quota only where hosts used more while they
// could not ask.
constexpr std::string_view kTake = R"lua(
local window, hosts, seen = KEYS[1], KEYS[2], KEYS[3]
local host, life, name = ARGV[1], ARGV[2], ARGV[3]
local seq, epoch, spent, granted = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local untold, known, need, want = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local urgent, quota, kept = ARGV[12] == '1', tonumber(ARGV[13]), tonumber(ARGV[14])
local span, lease, grace = tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local part = math.max(1, math.floor(span / 64))

local fields, state = redis.call('HGETALL', window), {}
for i = 1, #fields, 2 do state[fields[i]] = tonumber(fields[i + 1]) end
local total, seed, over, learn = state.total or 0, state.seed or 0, state.over or 0, state.learn or 0
if not state.epoch then
  redis.call('DEL', hosts, seen)
  state.epoch = time[1] * 1000000 + time[2]
  redis.call('HSET', window, 'epoch', state.epoch)
end

-- What has left the window.
local oldest
if span > 0 then
  for field, amount in pairs(state) do
    if string.sub(field, 1, 1) == 'b' then
      local ends = (tonumber(string.sub(field, 2)) + 1) * part + span
      if ends <= now then
        total = total - amount
        redis.call('HDEL', window, field)
      elseif not oldest or ends < oldest then
        oldest = ends
      end
    end
  end
  if seed > 0 and state.seedend <= now then
    total = total - seed
    seed, over = 0, 0
  end
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', seen, '-inf', now - span - lease - grace, 'LIMIT', 0, 20)) do
    local record = redis.call('HGET', hosts, old)
    if record then
      local was, had = string.match(record, '^%d+ %d+ (%d+) (%d+)')
      total = total - math.max(0, had - was)
    end
    redis.call('HDEL', hosts, old)
    redis.call('ZREM', seen, old)
  end
end

local function count(amount)
  if span > 0 and amount > 0 then redis.call('HINCRBY', window, 'b' .. math.floor(now / part), amount) end
end

-- What this host has used since it asked last, and what it still has.
local rest = math.max(0, granted - spent)
local record = redis.call('HGET', hosts, host)
local before, last, was, had
if record then before, last, was, had = string.match(record, '^(%d+) (%d+) (%d+) (%d+)') end
if record and before == life then
  if seq <= tonumber(last) then return {0} end
  local used = math.max(0, spent - was)
  -- While the others still tell what they knew: they do not know of that.
  local beyond = now < learn and math.max(0, spent - math.max(was, had)) or 0
  seed, over = seed + beyond, over + beyond
  count(used - beyond)
  total = total - math.max(0, had - was) + used + rest
else
  -- What it had in a life that it has forgotten may be used.
  if record then count(math.max(0, had - was)) end
  if epoch ~= '0' and tonumber(epoch) ~= state.epoch then
    -- The store was emptied: it grants nothing until every host had the time to say what it knows.
    learn = math.floor(state.epoch / 1000) + lease
    -- What all had, as the host knows it that asked last; and what each has used since beyond its grants.
    local base, beyond = total - over, math.max(0, spent - math.max(granted, spent - untold))
    local lacking = math.max(base, known) - base - rest
    if lacking < 0 then lacking = -math.min(seed - over, -lacking) end
    seed = seed + lacking + beyond
    over = over + beyond
    total = total + rest + lacking + beyond
  else
    count(untold)
    total = total + untold + rest
  end
end
redis.call('ZADD', seen, now, host)
local active = redis.call('ZCOUNT', seen, now - 2 * lease, '+inf')

local plain, extra = 0, 0
if quota > 0 and now >= learn then
  local room = math.max(0, quota - kept - total)
  plain = math.min(want, math.floor(room / (4 * active)))
  if plain < need then plain = math.min(need, room) end
  if plain < need then
    local more = need - plain
    if urgent and quota - total - plain >= more then extra = more else plain = 0 end
  end
end
total = total + plain + extra
granted = math.max(granted, spent) + plain + extra
redis.call('HSET', hosts, host, string.format('%s %.0f %.0f %.0f %.0f %s', life, seq, spent, granted, now, name))
redis.call('HSET', window, 'total', total, 'learn', learn, 'seed', seed, 'over', over)
if seed > (state.seed or 0) then redis.call('HSET', window, 'seedend', now + span) end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[18]) end
return {now < learn and 2 or 1, state.epoch, granted, extra, total, active, now, oldest and oldest - now or 0}
)lua";

constexpr std::string_view kFacts = R"lua(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 3, #ARGV, 3 do
  local left = tonumber(ARGV[i + 1])
  redis.call('HSET', KEYS[1], ARGV[i],
    string.format('%.0f %.0f %s %s', now, left > 0 and now + left or left, ARGV[1], ARGV[i + 2]))
end
local answer = {now}
local fields = redis.call('HGETALL', KEYS[1])
if #fields > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
for _, field in ipairs(fields) do table.insert(answer, field) end
return answer
)lua";

/// SHA-1 in hexadecimal digits.
std::string sum_of(std::string_view text) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> octets{};
  const auto* const from = reinterpret_cast<const unsigned char*>(text.data());
  SHA1(from, text.size(), octets.data());
  return hex_text(octets);
}

}  // namespace

const StoreScript& take_script() {
  static const StoreScript script{kTake, sum_of(kTake)};
  return script;
}

const StoreScript& facts_script() {
  static const StoreScript script{kFacts, sum_of(kFacts)};
  return script;
}

}  // namespace relaypipe
