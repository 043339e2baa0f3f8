import { brand } from '../util/brand.js';
import { UNSAFE_CHARACTERS } from '../util/log.js';
import { CallbacksError, type ErrorCode, type ErrorDetails } from './callbacks-error.js';
import { hide } from './inspect-error.js';

/** Optional details of a failed call. */
export interface LlmErrorDetails extends ErrorDetails {
  /** The provider's own sentence; see {@link LlmError.reason}. */
  reason?: string | undefined;
}

/** The longest {@link LlmError.reason}, in UTF-16 code units. */
const MAX_REASON = 2_000;
/** Control characters, and characters that change the direction of text: they can forge log lines. */
const CONTROLS = new RegExp(`[${UNSAFE_CHARACTERS}]+`, 'gu');

/** A failed call to a provider. */
export abstract class LlmError extends CallbacksError {
  static {
    brand(this, 'error:LlmError');
  }

  /** The causes come from the provider. */
  protected static override readonly logsCauses: boolean = false;
  /**
   * The provider's own sentence about the failure, without control characters and at most 2,000 characters long; absent
   * if it sent none. It may repeat parts of the request, so it is for developers: it is not enumerable, and JSON, HTTP
   * bodies and logs leave it out.
   */
  readonly reason?: string;

  constructor(message: string, details: LlmErrorDetails = {}) {
    super(message, details);
    const value = details.reason && plainText(details.reason);
    if (value) Object.defineProperty(this, 'reason', { value });
  }
}

function plainText(text: string): string {
  const plain = text
    .slice(0, 2 * MAX_REASON)
    .replace(CONTROLS, ' ')
    .trim();
  // Do not keep half of a surrogate pair.
  return plain.slice(0, MAX_REASON).replace(/[\ud800-\udbff]$/, '');
}

/** The key is missing, wrong or revoked (401). */
export class LlmAuthenticationError extends LlmError {
  static {
    brand(this, 'error:LlmAuthenticationError');
  }

  override readonly code = 'authentication';
}

/** The key may not use this model or feature (403). */
export class LlmPermissionError extends LlmError {
  static {
    brand(this, 'error:LlmPermissionError');
  }

  override readonly code = 'permission';
}

/** The provider limits the rate of calls, or the account's quota is used up (429; the latter is not retryable). */
export class LlmRateLimitError extends LlmError {
  static {
    brand(this, 'error:LlmRateLimitError');
  }

  override readonly code = 'rate_limit';
  protected static override readonly retryableByDefault = true;
  /** How long to wait, in milliseconds, as the provider requests. */
  readonly retryAfterMs?: number;

  constructor(
    message: string,
    details: LlmErrorDetails & { retryAfterMs?: number | undefined } = {},
  ) {
    super(message, details);
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}

/** The account's balance is too low, or its spending limit is reached (402). A retry does not help. */
export class LlmBillingError extends LlmError {
  static {
    brand(this, 'error:LlmBillingError');
  }

  override readonly code = 'billing';
}

/** How many tokens a request had, and how many the model accepts. */
export interface ContextTokens {
  /** Tokens of the request, as the server counted them. */
  readonly input?: number;
  /** The most tokens that the model accepts. */
  readonly limit?: number;
}

/** The messages do not fit into the model's context window (413 and the providers' own codes). */
export class LlmContextLengthError extends LlmError {
  static {
    brand(this, 'error:LlmContextLengthError');
  }

  override readonly code = 'context_length';
  /** The numbers of tokens, if the provider reports them. */
  readonly tokens?: ContextTokens;

  constructor(
    message: string,
    details: LlmErrorDetails & { tokens?: ContextTokens | undefined } = {},
  ) {
    super(message, details);
    if (details.tokens !== undefined) this.tokens = details.tokens;
  }
}

/**
 * The provider's content filter refused the request. An answer that the filter cut short has a finish reason instead.
 */
export class LlmContentFilterError extends LlmError {
  static {
    brand(this, 'error:LlmContentFilterError');
  }

  override readonly code = 'content_filter';
}

/** The request is invalid (400, 404, 409, 422), or was rejected before it was sent. */
export class LlmInvalidRequestError extends LlmError {
  static {
    brand(this, 'error:LlmInvalidRequestError');
  }

  override readonly code: ErrorCode = 'invalid_request';
}

/**
 * The provider does not have the model, no longer has it, or not for this key. Another client may have another model.
 */
export class LlmModelNotFoundError extends LlmInvalidRequestError {
  static {
    brand(this, 'error:LlmModelNotFoundError');
  }

  override readonly code = 'model_not_found';
}

/** Why a pending run cannot be resumed; see {@link PendingRunError}. */
export type PendingRunReason = 'unsigned' | 'changed' | 'expired' | 'replayed' | 'malformed';

/**
 * A pending run of an agent cannot be resumed:
 * - `'unsigned'`: `forRoot({ approvals: { key } })` is set, and the pending run has no signature;
 * - `'changed'`: it differs from what was signed, or was signed with a key that is not known here;
 * - `'expired'`: it is older than `approvals.maxAgeMs`;
 * - `'replayed'`: one of its calls has been executed or denied, or is being resumed elsewhere;
 * - `'malformed'`: it is not a pending run, or is inconsistent.
 *
 * @example
 * ```ts
 * catch (error) {
 *   if (error instanceof PendingRunError && error.reason === 'replayed') return this.outcomeOf(runId);
 *   throw error;
 * }
 * ```
 */
export class PendingRunError extends LlmInvalidRequestError {
  static {
    brand(this, 'error:PendingRunError');
  }

  override readonly code = 'pending_run';
  /** What is wrong with the pending run. Not enumerable. */
  declare readonly reason: PendingRunReason;

  // oxlint-disable-next-line no-useless-constructor -- the reason must be given
  constructor(message: string, details: LlmErrorDetails & { reason: PendingRunReason }) {
    super(message, details);
  }
}

/** The provider has no capacity now (503, 529). */
export class LlmOverloadedError extends LlmError {
  static {
    brand(this, 'error:LlmOverloadedError');
  }

  override readonly code = 'overloaded';
  protected static override readonly retryableByDefault = true;
}

/** The provider failed (other 5xx). */
export class LlmServerError extends LlmError {
  static {
    brand(this, 'error:LlmServerError');
  }

  override readonly code = 'server_error';
  protected static override readonly retryableByDefault = true;
}

/** The call exceeded `timeoutMs`, the SDK's own `timeout`, or the provider's time limit (408). */
export class LlmTimeoutError extends LlmError {
  static {
    brand(this, 'error:LlmTimeoutError');
  }

  override readonly code = 'timeout';
  protected static override readonly retryableByDefault = true;
}

/** The call was aborted; `cause` is the reason. Its `name` is `'AbortError'`, as everywhere on the platform. */
export class LlmAbortedError extends LlmError {
  static {
    brand(this, 'error:LlmAbortedError');
  }

  override readonly code = 'aborted';

  constructor(message: string, details: LlmErrorDetails = {}) {
    super(message, details);
    this.name = 'AbortError';
  }
}

/** There was no connection, or it was lost before the answer was complete. */
export class LlmConnectionError extends LlmError {
  static {
    brand(this, 'error:LlmConnectionError');
  }

  override readonly code = 'connection';
  protected static override readonly retryableByDefault = true;
}

/** The answer or stream is malformed, or ended without its end marker. */
export class LlmResponseError extends LlmError {
  static {
    brand(this, 'error:LlmResponseError');
  }

  override readonly code = 'invalid_response';
  protected static override readonly retryableByDefault = true;
}

/**
 * The answer does not match the `schema`, even after the model was asked to repair it.
 *
 * @example
 * ```ts
 * catch (error) {
 *   if (error instanceof SchemaValidationError) this.logger.warn(`No order was read: ${error.issues}`);
 * }
 * ```
 */
export class SchemaValidationError extends LlmError {
  static {
    brand(this, 'error:SchemaValidationError');
  }

  override readonly code = 'schema_validation';
  protected static override readonly retryableByDefault = true;
  /** What the model wrote; `''` if unknown. Not enumerable, so that loggers do not print it. */
  declare readonly text: string;
  /** What does not match, and where: `orders[0].id: must be string; …`, without the values themselves. */
  readonly issues: string;

  constructor(message: string, details: LlmErrorDetails & { text?: string; issues?: string } = {}) {
    super(message, details);
    hide(this, 'text', details.text ?? '');
    this.issues = details.issues ?? '';
  }
}
