import { brand } from '../util/brand.js';
import { BudgetExceededError } from '../errors/callbacks-error.js';
import { checkCostLimiter } from './check-limiter.js';
import { Limiter } from './limiter.js';
import type { RefusalDetails } from './refusal.js';
import type { CostLimiterOptions } from './limiter-options.js';

/**
 * Refuses calls that would cost more than a budget has left, with `BudgetExceededError`: what a request can cost at most
 * is reserved before it is sent, and settled at what it did cost, however it ends. Cached answers cost nothing, and each
 * request of a fallback is reserved on its own.
 *
 * With `maxOutputTokens` the budget is never passed. Without, a request may cost more than was reserved for it: its answer
 * is given all the same, and the next call is refused.
 *
 * Give it in any list of `callbacks`, or as `{ provide: CostLimiter, useValue: new CostLimiter({ … }) }`.
 *
 * @throws CallbacksConfigurationError for options that make no sense
 *
 * @example
 * ```ts
 * new CostLimiter({ maxCost: 1, per: 'user', window: 'day', timeZone: 'Europe/Berlin', store });
 * ```
 */
export class CostLimiter extends Limiter<CostLimiterOptions> {
  static {
    brand(this, 'class:CostLimiter');
  }

  constructor(options: CostLimiterOptions) {
    super(options, checkCostLimiter);
  }

  protected refusal(message: string, { retryAfterMs: _, ...details }: RefusalDetails) {
    return new BudgetExceededError(message, details);
  }
}
