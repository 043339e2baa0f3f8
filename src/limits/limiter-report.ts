import type { LimiterSettings } from './check-limiter.js';
import type { LimitUse } from './limiter-options.js';

/** Marks the method that describes a limiter, so that a second copy of the package is recognised too. */
export const DESCRIBE_LIMITER: unique symbol = Symbol.for('nestjs-llm-callbacks:describe-limiter');

/** One limit, as `callbacks.report()` shows it. */
export interface LimitReport extends Pick<LimitUse, 'unit' | 'per' | 'window'> {
  /** US dollars, requests or tokens; `null` if a function returns it for each call. */
  readonly limit: number | null;
}

/** A `CostLimiter` or `RateLimiter`, as `callbacks.report()` shows it. */
export interface LimiterReport {
  /** Its `name`. */
  readonly name: string;
  /** What happens to a call that does not fit. */
  readonly mode: 'reject' | 'wait';
  readonly limits: readonly LimitReport[];
}

/** An object that describes itself as a limiter. */
export interface DescribedLimiter {
  [DESCRIBE_LIMITER](): LimiterReport;
}

/** Whether an object is a limiter, of this copy of the package or of another. */
export function isLimiter(target: object): target is DescribedLimiter {
  return typeof (target as Partial<DescribedLimiter>)[DESCRIBE_LIMITER] === 'function';
}

/** Describes a limiter by its settings, without keys and used amounts. */
export function describeLimiter(name: string, { mode, limits }: LimiterSettings): LimiterReport {
  return {
    name,
    mode,
    limits: limits.map(({ unit, per, length, amount }) => ({
      unit: unit.id,
      per: typeof per === 'function' ? 'function' : per,
      window: length,
      limit: typeof amount === 'function' ? null : amount,
    })),
  };
}
