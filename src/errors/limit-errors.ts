import { brand } from '../util/brand.js';
import { CallbackAbort, type ErrorDetails } from './callbacks-error.js';

/** Which limiter refused a call that it could not decide on. */
export interface LimiterErrorDetails extends ErrorDetails {
  /** The limiter's name. */
  limiter?: string | undefined;
}

/**
 * The store of a limiter cannot be used, so that the limiter refuses calls (`onStoreError: 'closed'`). `cause` is the
 * store's own error. The same call may succeed later; as HTTP it is 503.
 */
export class LimitStoreUnavailableError extends CallbackAbort {
  static {
    brand(this, 'error:LimitStoreUnavailableError');
  }

  override readonly code = 'limit_store_unavailable';
  protected static override readonly retryableByDefault = true;
  /** The name of the limiter that refused. */
  readonly limiter?: string;

  constructor(message: string, details: LimiterErrorDetails = {}) {
    super(message, details);
    if (details.limiter !== undefined) this.limiter = details.limiter;
  }
}

/**
 * A call has no user, tenant or other key, but its limit is counted by one. The application has to set it, or
 * `onMissingKey: 'global'`; as HTTP it is 500, without the message.
 */
export class LimitKeyMissingError extends CallbackAbort {
  static {
    brand(this, 'error:LimitKeyMissingError');
  }

  override readonly code = 'limit_key_missing';
  /** The name of the limiter that refused, and has logged the message. */
  readonly limiter?: string;

  constructor(message: string, details: LimiterErrorDetails = {}) {
    super(message, details);
    if (details.limiter !== undefined) this.limiter = details.limiter;
  }
}

/**
 * The price of a model is not known, so that a budget cannot be kept. The application has to give it in
 * `forRoot({ prices })`, or set `unknownPrice: 'allow'`; as HTTP it is 500, without the message.
 */
export class UnknownPriceError extends CallbackAbort {
  static {
    brand(this, 'error:UnknownPriceError');
  }

  override readonly code = 'unknown_price';
  /** The name of the limiter that refused, and has logged the message; absent where an agent's `maxCost` refused. */
  readonly limiter?: string;

  constructor(message: string, details: LimiterErrorDetails = {}) {
    super(message, details);
    if (details.limiter !== undefined) this.limiter = details.limiter;
  }
}
