import { BudgetExceededError, RateLimitExceededError } from '../errors/callbacks-error.js';
import { brand } from '../util/brand.js';
import type { RefusalDetails } from './admission.js';
import { checkCostLimiter, checkRateLimiter } from './check-limiter-options.js';
import type { CostLimiterOptions, RateLimiterOptions } from './limiter-options.js';
import { Limiter } from './limiter.js';

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

/**
 * Keeps the rate of requests and of tokens below a limit: calls above it are rejected with `RateLimitExceededError`, or
 * wait for their turn. The tokens of a request are reserved before the request is sent, and settled at the actual
 * usage, however the request ends.
 *
 * Add it to any list of `callbacks`, or provide it as `{ provide: RateLimiter, useValue: new RateLimiter({ … }) }`.
 *
 * @throws CallbacksConfigurationError for invalid options
 *
 * @example
 * ```ts
 * new RateLimiter({ requestsPerMinute: 500, tokensPerMinute: 200_000, per: 'model', mode: 'wait', store });
 * ```
 */
export class RateLimiter extends Limiter<RateLimiterOptions> {
  static {
    brand(this, 'class:RateLimiter');
  }

  constructor(options: RateLimiterOptions) {
    super(options, checkRateLimiter);
  }

  protected refusal(message: string, details: RefusalDetails) {
    return new RateLimitExceededError(message, details);
  }
}
