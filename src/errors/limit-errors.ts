import { brand } from '../util/brand.js';
import { CallbackAbort, type ErrorDetails } from './callbacks-error.js';

/** The limiter that rejected a call because it could not decide on it. */
export interface LimiterErrorDetails extends ErrorDetails {
  /** The limiter's name. */
  limiter?: string | undefined;
}

/**
 * The store of a limiter is unavailable, so the limiter rejects calls (`onStoreError: 'closed'`). `cause` is the
 * store's own error. The same call may succeed later; the HTTP status is 503.
 */
export class LimitStoreUnavailableError extends CallbackAbort {
  static {
    brand(this, 'error:LimitStoreUnavailableError');
  }

  override readonly code = 'limit_store_unavailable';
  protected static override readonly retryableByDefault = true;
  /** The name of the limiter that rejected the call. */
  readonly limiter?: string;

  constructor(message: string, details: LimiterErrorDetails = {}) {
    super(message, details);
    if (details.limiter !== undefined) this.limiter = details.limiter;
  }
}

/**
 * A call has no user, tenant or other key, but its limit is counted per key. The application must set the key, or
 * `onMissingKey: 'global'`. The HTTP status is 500, without the message.
 */
export class LimitKeyMissingError extends CallbackAbort {
  static {
    brand(this, 'error:LimitKeyMissingError');
  }

  override readonly code = 'limit_key_missing';
  /** The name of the limiter that rejected the call and logged the message. */
  readonly limiter?: string;

  constructor(message: string, details: LimiterErrorDetails = {}) {
    super(message, details);
    if (details.limiter !== undefined) this.limiter = details.limiter;
  }
}

/**
 * The price of a model is not known, so a budget cannot be enforced. The application must set it in
 * `forRoot({ prices })`, or set `unknownPrice: 'allow'`. The HTTP status is 500, without the message.
 */
export class UnknownPriceError extends CallbackAbort {
  static {
    brand(this, 'error:UnknownPriceError');
  }

  override readonly code = 'unknown_price';
  /**
   * The name of the limiter that rejected the call and logged the message; absent if an agent's `maxCost` rejected it.
   */
  readonly limiter?: string;

  constructor(message: string, details: LimiterErrorDetails = {}) {
    super(message, details);
    if (details.limiter !== undefined) this.limiter = details.limiter;
  }
}
