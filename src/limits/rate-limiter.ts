import { brand } from '../util/brand.js';
import { RateLimitExceededError } from '../errors/callbacks-error.js';
import { checkRateLimiter } from './check-limiter.js';
import { Limiter } from './limiter.js';
import type { RefusalDetails } from './refusal.js';
import type { RateLimiterOptions } from './limiter-options.js';

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
