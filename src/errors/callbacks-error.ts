import { brand, nearestName } from '../util/brand.js';
import { messageOf } from '../util/log.js';
import { hideQuotes, inspectError } from './inspect-error.js';

/** Stable, machine-readable error codes; safe to log, count and switch on. */
export type ErrorCode =
  | 'configuration'
  | 'authentication'
  | 'permission'
  | 'rate_limit'
  | 'billing'
  | 'context_length'
  | 'content_filter'
  | 'invalid_request'
  | 'model_not_found'
  | 'pending_run'
  | 'overloaded'
  | 'server_error'
  | 'timeout'
  | 'aborted'
  | 'connection'
  | 'invalid_response'
  | 'schema_validation'
  | 'tool_execution'
  | 'tool_arguments'
  | 'max_steps'
  | 'callback_timeout'
  | 'callback_abort'
  | 'budget_exceeded'
  | 'rate_limit_exceeded'
  | 'limit_store_unavailable'
  | 'limit_key_missing'
  | 'unknown_price'
  | 'invalid_event'
  | 'background_full'
  | (string & {});

/** Optional details of an error. */
export interface ErrorDetails {
  /** The underlying error, usually the SDK's own. */
  cause?: unknown;
  /** HTTP status of the provider's answer. */
  status?: number | undefined;
  /** The provider's id of the request, to quote to its support. */
  requestId?: string | undefined;
  /** Overrides whether repeating the same call may succeed. */
  retryable?: boolean | undefined;
}

/**
 * Base class of all errors that this package throws on purpose.
 *
 * `message` explains what to do and never holds a key, a header or a prompt; what the provider wrote is in `cause`.
 *
 * @example
 * ```ts
 * try {
 *   await llm.generate('Hello');
 * } catch (error) {
 *   if (error instanceof CallbacksError && error.retryable) scheduleRetry();
 *   else throw error;
 * }
 * ```
 */
export class CallbacksError extends Error {
  static {
    brand(this, 'error:CallbacksError');
  }

  protected static readonly retryableByDefault: boolean = false;
  /** Whether loggers print the messages of the error's causes. */
  protected static readonly logsCauses: boolean = true;
  /** Stable name of the kind of failure. */
  readonly code: ErrorCode = 'configuration';
  /** Whether repeating the same call later may succeed. */
  readonly retryable: boolean;
  /** HTTP status of the provider's answer, if there was one. */
  readonly status?: number;
  /** The provider's id of the request, if it sent one. */
  readonly requestId?: string;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    hideQuotes(details.cause);
    this.name = nearestName(new.target);
    this.retryable = details.retryable ?? new.target.retryableByDefault;
    if (details.status !== undefined) this.status = details.status;
    if (details.requestId !== undefined) this.requestId = details.requestId;
  }

  /** The error as events, logs and queues write it, without cause and stack. */
  toJSON(): ErrorJson {
    return describeError(this);
  }

  /**
   * What `console.error(error)` and Nest's own logger print. Log lines cannot be forged, and requests, answers and
   * headers quoted by a cause are left out; `error.cause` still has them.
   */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return inspectError(this, (this.constructor as typeof CallbacksError).logsCauses);
  }
}

/** An error as events, logs and queues write it. */
export interface ErrorJson {
  name: string;
  code?: string;
  message: string;
  retryable: boolean;
  status?: number;
}

/**
 * The JSON of any thrown value, in the form of {@link CallbacksError.toJSON}. Never throws, even if the value's getters
 * do.
 */
export function describeError(error: unknown): ErrorJson {
  try {
    if (error instanceof Error) return detailsOf(error);
  } catch {
    // A proxy; reading its text is guarded.
  }
  return { name: 'Error', message: messageOf(error), retryable: false };
}

function detailsOf(error: Error): ErrorJson {
  const name = readField(error, 'name');
  const code = readField(error, 'code');
  const status = readField(error, 'status');
  return {
    name: typeof name === 'string' ? name : 'Error',
    ...(typeof code === 'string' && { code }),
    message: messageOf(error),
    retryable: readField(error, 'retryable') === true,
    ...(typeof status === 'number' && { status }),
  };
}

function readField(error: Error, name: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

/** The application is misconfigured. Thrown at start-up, or by the first call that needs what is missing. */
export class CallbacksConfigurationError extends CallbacksError {
  static {
    brand(this, 'error:CallbacksConfigurationError');
  }

  override readonly code = 'configuration';
}

/** A handler exceeded its `timeoutMs`; the run no longer waits for it. */
export class CallbackTimeoutError extends CallbacksError {
  static {
    brand(this, 'error:CallbackTimeoutError');
  }

  override readonly code = 'callback_timeout';
}

/** The JSON is not an event, or has a version that this package does not know. */
export class InvalidEventError extends CallbacksError {
  static {
    brand(this, 'error:InvalidEventError');
  }

  override readonly code = 'invalid_event';
}

/** The background queue had no room for a handler's event. */
export class BackgroundFullError extends CallbacksError {
  static {
    brand(this, 'error:BackgroundFullError');
  }

  override readonly code = 'background_full';
}

/**
 * Thrown by a handler to stop its run, even without the `critical` flag; it also ends a surrounding agent.
 *
 * @example
 * ```ts
 * class Gate { @OnLlmStart() gate(event: LlmStartEvent) {
 *   if (this.closed) throw new CallbackAbort('The assistant is closed tonight.');
 * } }
 * ```
 */
export class CallbackAbort extends CallbacksError {
  static {
    brand(this, 'error:CallbackAbort');
  }

  override readonly code: ErrorCode = 'callback_abort';
}

/** The limit that rejected a call. */
export interface LimitDetails extends ErrorDetails {
  /** Whose limit it is. Not in the message, because the message goes to clients. */
  key?: string | undefined;
  /** In US dollars, requests or tokens. */
  limit?: number | undefined;
  /** How much of the limit is used or reserved. */
  used?: number | undefined;
  /** The limiter's name. */
  limiter?: string | undefined;
}

/** A spending limit rejected the call. */
export class BudgetExceededError extends CallbackAbort {
  static {
    brand(this, 'error:BudgetExceededError');
  }

  override readonly code = 'budget_exceeded';
  /** Whose budget it is, if a `CostLimiter` rejected the call. */
  readonly key?: string;
  /** US dollars. */
  readonly limit?: number;
  /** US dollars spent, or reserved by calls in progress. */
  readonly used?: number;
  /** The name of the limiter, if a `CostLimiter` rejected the call. */
  readonly limiter?: string;

  constructor(message: string, details: LimitDetails = {}) {
    super(message, details);
    if (details.key !== undefined) this.key = details.key;
    if (details.limit !== undefined) this.limit = details.limit;
    if (details.used !== undefined) this.used = details.used;
    if (details.limiter !== undefined) this.limiter = details.limiter;
  }
}

/** A rate limit of the application rejected the call. */
export class RateLimitExceededError extends CallbackAbort {
  static {
    brand(this, 'error:RateLimitExceededError');
  }

  override readonly code = 'rate_limit_exceeded';
  protected static override readonly retryableByDefault = true;
  /** How long to wait before the next attempt, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Whose limit it is, if a `RateLimiter` rejected the call. */
  readonly key?: string;
  /** Requests or tokens. */
  readonly limit?: number;
  /** Requests or tokens used, or reserved by calls in progress. */
  readonly used?: number;
  /** The name of the limiter, if a `RateLimiter` rejected the call. */
  readonly limiter?: string;

  constructor(message: string, details: LimitDetails & { retryAfterMs?: number | undefined } = {}) {
    super(message, details);
    if (details.key !== undefined) this.key = details.key;
    if (details.limit !== undefined) this.limit = details.limit;
    if (details.used !== undefined) this.used = details.used;
    if (details.limiter !== undefined) this.limiter = details.limiter;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}
