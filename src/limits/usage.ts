import { checkAmount, type Limit } from './limit.js';
import { limitOf } from './limit-units.js';
import type { CounterState } from './limit-store.js';
import type { LimiterUsage, LimitUse } from './limiter-options.js';

/** How much is used of each limit, and which is nearest to its end. */
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
  const { scale } = unit;
  const fixed = typeof source.amount === 'function' ? undefined : checkAmount(unit, source.amount);
  const stored = typeof fixed === 'number' ? fixed : state.limit;
  const [used, reserved] = [state.used / scale, state.reserved / scale];
  const left = stored === undefined ? null : Math.max(0, stored - state.used - state.reserved);
  const limit = stored === undefined ? null : limitOf(unit, stored);
  return {
    key,
    unit: unit.id,
    per: typeof per === 'function' ? 'function' : per,
    window: length,
    used,
    reserved,
    limit,
    remaining: left === null || limit === Infinity ? limit : left / scale,
    ...(typeof length === 'string' &&
      length !== 'lifetime' && {
        resetsAt: window.bucketAt(Date.now()).end,
      }),
  };
}

/** A limit of 0 is full. */
function fullness({ used, reserved, limit }: LimitUse): number {
  if (limit === null) return 0;
  return limit === 0 ? 1 : (used + reserved) / limit;
}
