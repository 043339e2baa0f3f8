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
const COMMON = `
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

/**
 * KEYS: mark, instances, then counter and leases of each claim. ARGV: now, id, leaseMs, instance, forgetMs, charge,
 * then for each claim: step, keep, start, end, amount, limit, elastic, neverFits.
 */
export const RESERVE = `${COMMON}
local id, leaseMs, charged = ARGV[2], tonumber(ARGV[3]), ARGV[6]
redis.call('ZADD', KEYS[2], int(now + ARGV[5]), ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', int(now))
redis.call('PEXPIRE', KEYS[2], ARGV[5])
local replicas = redis.call('ZCARD', KEYS[2])

local mark = redis.call('GET', KEYS[1])
if mark == 'settled' then return { 'settled' } end
if mark then return { 'granted', replicas, mark } end

local function fitsAfter(state, window, needed)
  if window.last > 8e15 then return -1 end
  if window.step == 0 then return window.last - now end
  table.sort(state.buckets, function(a, b) return a[1] < b[1] end)
  for _, bucket in ipairs(state.buckets) do
    needed = needed - bucket[2]
    if needed <= 0 then return bucket[1] + window.step + window.keep - now end
  end
  return -1
end

local claims, refusal = {}, nil
for i = 1, (#KEYS - 2) / 2 do
  local at = 7 + (i - 1) * 8
  local window = windowAt(at)
  if isStale(window) then return { 'stale', int(now) } end
  local counter, leases = KEYS[i * 2 + 1], KEYS[i * 2 + 2]
  local amount, limit, elastic = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), ARGV[at + 6] == '1'
  local state = read(counter, leases, window)
  local left = limit - state.used - state.reserved
  if ARGV[at + 7] == '1' then
    if not refusal or not refusal.never then
      refusal = { claim = i - 1, used = state.used, reserved = state.reserved, wait = -1, never = true }
    end
  elseif amount > math.max(left, 0) then
    if left > 0 and (elastic or left == limit) then amount = math.min(amount, left)
    else
      local needed = elastic and 1 or math.min(amount, limit)
      local wait = limit > 0 and fitsAfter(state, window, needed - left) or -1
      if not refusal or refusal.wait >= 0 and (wait < 0 or wait > refusal.wait) then
        refusal = { claim = i - 1, used = state.used, reserved = state.reserved, wait = wait }
      end
    end
  end
  claims[i] = { counter, leases, window, amount, limit }
end
if refusal then
  return { 'refused', refusal.claim, int(refusal.used), int(refusal.reserved), int(refusal.wait) }
end

mark = int(now)
for _, claim in ipairs(claims) do
  local counter, leases, window, amount, limit = unpack(claim)
  local bucket = int(bucketAt(window, now))
  redis.call('HINCRBY', counter, 'r' .. bucket, int(amount))
  redis.call('HSET', counter, 'limit', int(limit))
  redis.call('ZADD', leases, int(now + leaseMs), charged .. id .. ' ' .. bucket .. ' ' .. int(amount))
  touch(counter, leases, window)
  mark = mark .. ' ' .. int(amount)
end
redis.call('SET', KEYS[1], mark, 'PX', int(leaseMs + REMEMBERED))
return { 'granted', replicas, mark }
`;

/**
 * KEYS: mark, then counter and leases of each claim. ARGV: now, id, at, then for each claim: step, keep, start, end,
 * reserved, used, tellFrom.
 */
export const SETTLE = `${COMMON}
local id, reservedAt = ARGV[2], tonumber(ARGV[3])
if redis.call('GET', KEYS[1]) == 'settled' then return {} end
redis.call('SET', KEYS[1], 'settled', 'PX', REMEMBERED)

local told = {}
for i = 1, (#KEYS - 1) / 2 do
  local at = 4 + (i - 1) * 7
  local window = windowAt(at)
  local counter, leases = KEYS[i * 2], KEYS[i * 2 + 1]
  local reserved, used, tellFrom = ARGV[at + 4], tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local start = bucketAt(window, reservedAt)
  local bucket = int(start)
  local lease = id .. ' ' .. bucket .. ' ' .. reserved
  if redis.call('ZREM', leases, lease, 'c:' .. lease) > 0 then
    take(counter, 'r' .. bucket, reserved)
  elseif redis.call('ZREM', leases, 'd:' .. lease .. ' 0') == 1 then
    take(counter, 'u' .. bucket, reserved)
  end
  if used > 0 and not isPast(window, start) then
    redis.call('HINCRBY', counter, 'u' .. bucket, int(used))
    touch(counter, leases, window)
    if tellFrom then
      local state = read(counter, leases, window)
      if state.used >= tellFrom and (state.told or -1) < window.oldest then
        redis.call('HSET', counter, 'told', int(bucketAt(window, now)))
        table.insert(told, { i - 1, int(state.used) })
      end
    end
  end
end
return told
`;

/**
 * KEYS: mark, then counter and leases of each claim. ARGV: now, id, at, leaseMs, charge, then for each claim: step,
 * keep, start, end, reserved.
 */
export const RENEW = `${COMMON}
local id, reservedAt, leaseMs, charged = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local mark = redis.call('GET', KEYS[1])
if mark == 'settled' then return 0 end

local written = int(reservedAt)
for i = 1, (#KEYS - 1) / 2 do
  local at = 6 + (i - 1) * 5
  local window = windowAt(at)
  local counter, leases, reserved = KEYS[i * 2], KEYS[i * 2 + 1], ARGV[at + 4]
  local start = bucketAt(window, reservedAt)
  if not isPast(window, start) then
    local bucket = int(start)
    local lease = id .. ' ' .. bucket .. ' ' .. reserved
    if not redis.call('ZSCORE', leases, charged .. lease) then
      if redis.call('ZREM', leases, 'd:' .. lease .. ' 0') == 1 then
        take(counter, 'u' .. bucket, reserved)
      end
      redis.call('HINCRBY', counter, 'r' .. bucket, reserved)
    end
    redis.call('ZADD', leases, int(now + leaseMs), charged .. lease)
    touch(counter, leases, window)
  end
  written = written .. ' ' .. reserved
end
redis.call('SET', KEYS[1], written, 'PX', int(leaseMs + REMEMBERED))
return 1
`;

/** KEYS: counter and leases of each. ARGV: now, then for each: step, keep, start, end. */
export const USAGE = `${COMMON}
local states = {}
for i = 1, #KEYS / 2 do
  local window = windowAt(2 + (i - 1) * 4)
  if isStale(window) then return { 'stale', int(now) } end
  local state = read(KEYS[i * 2 - 1], KEYS[i * 2], window)
  table.insert(states, { int(state.used), int(state.reserved), state.limit and int(state.limit) or '' })
end
return states
`;

/** KEYS: counter, leases and refusal mark of each. ARGV: now. */
export const RESET = `${COMMON}
for i = 1, #KEYS, 3 do
  local counter, leases = KEYS[i], KEYS[i + 1]
  lapse(counter, leases)
  for _, field in ipairs(redis.call('HKEYS', counter)) do
    if field == 'told' or string.match(field, '^u%d+$') then redis.call('HDEL', counter, field) end
  end
  for _, lease in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    if string.sub(lease, 1, 2) == 'd:' then redis.call('ZREM', leases, lease) end
  end
  redis.call('DEL', KEYS[i + 2])
end
return 1
`;

/**
 * KEYS: refusal mark. ARGV: now, step, keep, start, end. Marks of lifetime budgets expire after a year, so that none
 * stays forever.
 */
export const MARK_REFUSED = `${COMMON}
local YEAR = 31536000000
local window = windowAt(2)
if isStale(window) then return { 'stale', int(now) } end
local mark = redis.call('GET', KEYS[1])
if mark and tonumber(mark) > now then return { 0 } end
local over = window.step > 0 and bucketAt(window, now) + window.step + window.keep or window.last
redis.call('SET', KEYS[1], int(over), 'PX', int(math.min(over - now, YEAR)))
return { 1 }
`;
