import type { AgentStep } from '../types/agent.js';
import type { Message } from '../types/message.js';
import { brand } from '../util/brand.js';
import { CallbackAbort, CallbacksError, type ErrorDetails } from './callbacks-error.js';
import { hide } from './inspect-error.js';

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

/**
 * An interceptor changed the call of an observed client, or answered it: its caller gets what the client gives, so that
 * an interceptor can only watch it, delay it or refuse it. The HTTP status is 500, without the message.
 */
export class ObservedCallError extends CallbacksError {
  static {
    brand(this, 'error:ObservedCallError');
  }

  override readonly code = 'observed_call';
}

/**
 * A tool failed. Thrown by a tool itself with `fatal: true`, it ends the agent instead of going back to the model.
 *
 * @example
 * ```ts
 * throw new ToolExecutionError('The order system is down.', { fatal: true, cause: error });
 * ```
 */
export class ToolExecutionError extends CallbacksError {
  static {
    brand(this, 'error:ToolExecutionError');
  }

  override readonly code = 'tool_execution';
  /** Whether it ends the agent. */
  readonly fatal: boolean;

  constructor(message: string, details: ErrorDetails & { fatal?: boolean | undefined } = {}) {
    super(message, details);
    this.fatal = details.fatal ?? false;
  }
}

/**
 * The model called a tool that does not exist, or passed arguments that do not match. The model gets the error and may
 * call again.
 */
export class ToolArgumentsError extends CallbacksError {
  static {
    brand(this, 'error:ToolArgumentsError');
  }

  override readonly code = 'tool_arguments';
}

/** An agent used its last allowed turn and still wanted to call tools. */
export class MaxStepsExceededError extends CallbacksError {
  static {
    brand(this, 'error:MaxStepsExceededError');
  }

  override readonly code = 'max_steps';
  /** The turns so far. Not enumerable, so that loggers do not print them; the same holds for `messages`. */
  declare readonly steps: readonly AgentStep[];
  /** The transcript, with a result for every call: pass it to the next run as its `messages`. */
  declare readonly messages: readonly Message[];

  constructor(
    message: string,
    steps: readonly AgentStep[],
    details: ErrorDetails & { messages?: readonly Message[] } = {},
  ) {
    super(message, details);
    hide(this, 'steps', steps);
    hide(this, 'messages', details.messages ?? []);
  }
}
