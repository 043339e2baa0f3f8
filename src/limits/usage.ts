import { checkAmount, type Limit } from './limit.js';
import type { CounterState } from './limit-store.js';
import { fromStored } from './limit-units.js';
import type { WindowLength } from './limit-window.js';
import type { LimiterUsage, LimitUse } from './limiter-options.js';

/** Returns how much is used of each limit, and which limit is nearest to exhaustion. */
export function usageOf(
  limits: readonly Limit[],
  owners: readonly string[],
  states: readonly CounterState[],
): LimiterUsage {
  const uses = limits.map((limit, i) => useOf(limit, owners[i]!, states[i]!));
  const nearest = uses.reduce((a, b) => (fullness(b) > fullness(a) ? b : a));
  return { ...nearest, limits: uses };
}

function useOf(source: Limit, key: string, state: CounterState): LimitUse {
  const { unit, per, length, window } = source;
  const fixed = typeof source.amount === 'function' ? undefined : checkAmount(unit, source.amount);
  const stored = typeof fixed === 'number' ? fixed : state.limit;
  const limit = stored === undefined ? null : fromStored(unit, stored);
  const left = Math.max(0, (stored ?? 0) - state.used - state.reserved);
  return {
    key,
    unit: unit.id,
    per: typeof per === 'function' ? 'function' : per,
    window: length,
    used: fromStored(unit, state.used),
    reserved: fromStored(unit, state.reserved),
    limit,
    remaining: limit === null || limit === Infinity ? limit : fromStored(unit, left),
    ...(isCalendar(length) && { resetsAt: window.bucketAt(Date.now()).end }),
  };
}

function isCalendar(length: WindowLength): boolean {
  return typeof length === 'string' && length !== 'lifetime';
}

/** A limit of 0 counts as full. */
function fullness({ used, reserved, limit }: LimitUse): number {
  if (limit === null) return 0;
  return limit === 0 ? 1 : (used + reserved) / limit;
}
