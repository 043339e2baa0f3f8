import { brand } from '../util/brand.js';
import { nearestName } from '../util/stable-name.js';
import { messageOf } from '../util/log-text.js';
import { hideQuotes, inspectError } from './inspect-error.js';

/** Stable, machine-readable names of what went wrong; safe to log, count and switch on. */
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

/** What may be said about an error besides its message. */
export interface ErrorDetails {
  /** The error underneath, usually the SDK's own. */
  cause?: unknown;
  /** HTTP status of the provider's answer. */
  status?: number | undefined;
  /** The provider's id of the request, to quote in a support ticket. */
  requestId?: string | undefined;
  /** Overrides whether the same call may succeed when made again. */
  retryable?: boolean | undefined;
}

/**
 * Root of every error that this package throws on purpose.
 *
 * `message` says what to do and never holds a key, a header or a prompt; what the provider wrote is in `cause`.
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
  /** Whether loggers print the messages of its causes. */
  protected static readonly logsCauses: boolean = true;
  /** Stable name of the kind of failure. */
  readonly code: ErrorCode = 'configuration';
  /** Whether the same call may succeed when made again later. */
  readonly retryable: boolean;
  /** HTTP status of the provider's answer, where there was one. */
  readonly status?: number;
  /** The provider's id of the request, where it sent one. */
  readonly requestId?: string;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    hideQuotes(details.cause);
    this.name = nearestName(new.target);
    this.retryable = details.retryable ?? new.target.retryableByDefault;
    if (details.status !== undefined) this.status = details.status;
    if (details.requestId !== undefined) this.requestId = details.requestId;
  }

  /** What events, logs and queues write of the error: never its cause or stack. */
  toJSON(): ErrorJson {
    return describeError(this);
  }

  /**
   * What `console.error(error)` and Nest's own logger write: no line can be forged, and what requests, answers and
   * headers a cause quotes is left out. It is all in `error.cause`.
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

/** The JSON of any thrown value, in the shape of {@link CallbacksError.toJSON}. Never throws, whatever its getters do. */
export function describeError(error: unknown): ErrorJson {
  try {
    if (error instanceof Error) return detailsOf(error);
  } catch {
    // A proxy; its text is asked for with care.
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

/** The application is set up wrongly: thrown while it starts, or by the first call that needs what is missing. */
export class CallbacksConfigurationError extends CallbacksError {
  static {
    brand(this, 'error:CallbacksConfigurationError');
  }

  override readonly code = 'configuration';
}

/** A handler took longer than its `timeoutMs` and is no longer waited for. */
export class CallbackTimeoutError extends CallbacksError {
  static {
    brand(this, 'error:CallbackTimeoutError');
  }

  override readonly code = 'callback_timeout';
}

/** A JSON that is not that of an event, or of a version of it that this one does not know. */
export class InvalidEventError extends CallbacksError {
  static {
    brand(this, 'error:InvalidEventError');
  }

  override readonly code = 'invalid_event';
}

/** There was no room in the background for what a handler was to be told. */
export class BackgroundFullError extends CallbacksError {
  static {
    brand(this, 'error:BackgroundFullError');
  }

  override readonly code = 'background_full';
}

/**
 * Thrown by a handler to stop the run that it hears, without the `critical` flag; it ends a surrounding agent too.
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

/** Which limit refused a call. */
export interface LimitDetails extends ErrorDetails {
  /** Whose limit it is; it is not in the message, because that goes to clients. */
  key?: string | undefined;
  /** In US dollars, requests or tokens. */
  limit?: number | undefined;
  /** What is used or reserved of it. */
  used?: number | undefined;
}

/** A spending limit refused the call. */
export class BudgetExceededError extends CallbackAbort {
  static {
    brand(this, 'error:BudgetExceededError');
  }

  override readonly code = 'budget_exceeded';
  /** Whose budget it is, where a `CostLimiter` refused. */
  readonly key?: string;
  /** US dollars. */
  readonly limit?: number;
  /** US dollars that were spent, or reserved by calls under way. */
  readonly used?: number;

  constructor(message: string, details: LimitDetails = {}) {
    super(message, details);
    if (details.key !== undefined) this.key = details.key;
    if (details.limit !== undefined) this.limit = details.limit;
    if (details.used !== undefined) this.used = details.used;
  }
}

/** A rate limit of the application's own refused the call. */
export class RateLimitExceededError extends CallbackAbort {
  static {
    brand(this, 'error:RateLimitExceededError');
  }

  override readonly code = 'rate_limit_exceeded';
  protected static override readonly retryableByDefault = true;
  /** How long to wait before the next try, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Whose limit it is, where a `RateLimiter` refused. */
  readonly key?: string;
  /** Requests or tokens. */
  readonly limit?: number;
  /** Requests or tokens that were used, or reserved by calls under way. */
  readonly used?: number;

  constructor(message: string, details: LimitDetails & { retryAfterMs?: number | undefined } = {}) {
    super(message, details);
    if (details.key !== undefined) this.key = details.key;
    if (details.limit !== undefined) this.limit = details.limit;
    if (details.used !== undefined) this.used = details.used;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}
