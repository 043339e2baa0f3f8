import { brand } from '../util/brand.js';
import { BudgetExceededError } from '../errors/callbacks-error.js';
import { checkCostLimiter } from './check-limiter.js';
import { Limiter } from './limiter.js';
import type { RefusalDetails } from './refusal.js';
import type { CostLimiterOptions } from './limiter-options.js';

/**
 * Rejects calls that would cost more than a budget has left, with `BudgetExceededError`. The upper bound of a request's
 * cost is reserved before the request is sent, and settled at the actual cost, however the request ends. Cached answers
 * cost nothing, and each request of a fallback is reserved separately.
 *
 * With `maxOutputTokens` the budget is never exceeded. Without it, a request may cost more than was reserved: its
 * answer is still returned, and the next call is rejected.
 *
 * Add it to any list of `callbacks`, or provide it as `{ provide: CostLimiter, useValue: new CostLimiter({ … }) }`.
 *
 * @throws CallbacksConfigurationError for invalid options
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
