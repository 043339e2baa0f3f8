/**
 * The common start of the scripts of `RedisLimitStore`. What they store, all of it under one hash tag:
 *
 * - a counter: a hash with `u<start>` and `r<start>`, the used and reserved amounts of the bucket that begins at `start`;
 *   `told`, when the threshold was last reported; `limit`, the limit of the last reservation;
 * - its leases: a sorted set of `<id> <start> <amount>` by when the lease expires. With the prefix `c:`, the amount
 *   counts as used then, and `d:<id> <start> <amount> 0` records that it does. Earlier versions treat those as leases
 *   to release, the latter with amount 0;
 * - a mark of the first refusal in its window: until when it is valid;
 * - a mark for each reservation: `settled`, or `<at> <amount> …` while it is open;
 * - the limiters that have called: a sorted set by when each is forgotten.
 *
 * All numbers are whole and below 2^53, where Lua's doubles are exact. A window is given as `step keep start end`:
 * windows with a step are sliding, and the script computes their bucket by the server's clock; for the others the
 * caller gives the bucket, and gets the server's time if the server's clock does not agree (`stale`).
 */
export const COMMON = `
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local REMEMBERED = 600000
local function int(number) return string.format('%.0f', number) end

local function windowAt(i)
  local window = { step = tonumber(ARGV[i]), keep = tonumber(ARGV[i + 1]),
    first = tonumber(ARGV[i + 2]), last = tonumber(ARGV[i + 3]) }
  -- The start of the oldest bucket that counts.
  window.oldest = window.step > 0 and now - window.keep - window.step + 1 or window.first
  return window
end
local function bucketAt(window, at)
  return window.step > 0 and at - at % window.step or window.first
end
local function isPast(window, bucket)
  return bucket < window.oldest or window.step == 0 and now >= window.last
end
local function isStale(window)
  return window.step == 0 and (now < window.first or now >= window.last)
end

-- Lets a counter and its leases live as long as they count: leases that vanished first would never be given back.
local function touch(counter, leases, window)
  if window.last > 8e15 then return end
  local ms = window.step > 0 and window.keep + 2 * window.step or window.last - now
  ms = int(math.max(ms, 0) + 60000)
  redis.call('PEXPIRE', counter, ms)
  redis.call('PEXPIRE', leases, ms)
end

-- Takes an amount out of a field, if that still counts.
local function take(counter, field, amount)
  if amount == '0' or redis.call('HEXISTS', counter, field) == 0 then return false end
  redis.call('HINCRBY', counter, field, '-' .. amount)
  return true
end
local function lapse(counter, leases)
  while true do
    local over = redis.call('ZRANGEBYSCORE', leases, '-inf', int(now), 'LIMIT', 0, 100)
    if #over == 0 then return end
    redis.call('ZREM', leases, unpack(over))
    for _, lease in ipairs(over) do
      local bucket, amount = string.match(lease, ' (%d+) (%d+)$')
      local kind, held = string.match(lease, '^([cd]):(.+)$')
      if kind ~= 'd' and take(counter, 'r' .. bucket, amount) and kind == 'c' then
        redis.call('HINCRBY', counter, 'u' .. bucket, amount)
        redis.call('ZADD', leases, int(now + REMEMBERED), 'd:' .. held .. ' 0')
      end
    end
  end
end

-- What counts: sums, and the buckets that they are made of.
local function read(counter, leases, window)
  lapse(counter, leases)
  local state = { used = 0, reserved = 0, buckets = {} }
  local fields = redis.call('HGETALL', counter)
  for i = 1, #fields, 2 do
    local kind, bucket = string.match(fields[i], '^([ur])(%d+)$')
    local value = tonumber(fields[i + 1])
    if not kind then state[fields[i]] = value
    elseif tonumber(bucket) < window.oldest then redis.call('HDEL', counter, fields[i])
    else
      if kind == 'u' then state.used = state.used + value
      else state.reserved = state.reserved + value end
      table.insert(state.buckets, { tonumber(bucket), value })
    end
  end
  return state
end
`;
