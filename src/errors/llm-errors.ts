import { brand } from '../util/brand.js';
import { UNSAFE_CHARACTERS } from '../util/log-text.js';
import { CallbacksError, type ErrorCode, type ErrorDetails } from './callbacks-error.js';
import { hide } from './inspect-error.js';

/** What may be said about a failed call besides its message. */
export interface LlmErrorDetails extends ErrorDetails {
  /** The provider's own sentence; see {@link LlmError.reason}. */
  reason?: string | undefined;
}

/** The longest {@link LlmError.reason}, in UTF-16 code units. */
const MAX_REASON = 2_000;
/** Control characters and those that change the direction of text: they forge lines of logs. */
const CONTROLS = new RegExp(`[${UNSAFE_CHARACTERS}]+`, 'gu');

/** Any failure of a call to a provider. */
export abstract class LlmError extends CallbacksError {
  static {
    brand(this, 'error:LlmError');
  }

  /** What is under it is the provider's. */
  protected static override readonly logsCauses: boolean = false;
  /**
   * The provider's own sentence about the failure, without control characters and at most 2,000 characters long;
   * absent where it sent none. It may repeat parts of the request, so it is for developers: JSON, HTTP bodies and logs
   * do not have it, because it is not enumerable.
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
  // Not half of a pair.
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

/** The provider limits the rate of calls, or the account's quota is used up (429; then not retryable). */
export class LlmRateLimitError extends LlmError {
  static {
    brand(this, 'error:LlmRateLimitError');
  }

  override readonly code = 'rate_limit';
  protected static override readonly retryableByDefault = true;
  /** How long the provider asks to wait, in milliseconds. */
  readonly retryAfterMs?: number;

  constructor(
    message: string,
    details: LlmErrorDetails & { retryAfterMs?: number | undefined } = {},
  ) {
    super(message, details);
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}

/** The account has no money left: its balance is too low, or its spending limit is reached (402). No retry helps. */
export class LlmBillingError extends LlmError {
  static {
    brand(this, 'error:LlmBillingError');
  }

  override readonly code = 'billing';
}

/** How many tokens were sent to a model, and how many it takes. */
export interface ContextTokens {
  /** Tokens of the request, as the server counted them. */
  readonly input?: number;
  /** The most tokens that the model takes. */
  readonly limit?: number;
}

/** The messages do not fit into the model's context window (413 and the providers' own codes). */
export class LlmContextLengthError extends LlmError {
  static {
    brand(this, 'error:LlmContextLengthError');
  }

  override readonly code = 'context_length';
  /** The numbers of tokens, where the provider says them. */
  readonly tokens?: ContextTokens;

  constructor(
    message: string,
    details: LlmErrorDetails & { tokens?: ContextTokens | undefined } = {},
  ) {
    super(message, details);
    if (details.tokens !== undefined) this.tokens = details.tokens;
  }
}

/** The provider's content filter refused the request. An answer that it cut short is a finish reason instead. */
export class LlmContentFilterError extends LlmError {
  static {
    brand(this, 'error:LlmContentFilterError');
  }

  override readonly code = 'content_filter';
}

/** The request is not acceptable (400, 404, 409, 422), or was refused before it was sent. */
export class LlmInvalidRequestError extends LlmError {
  static {
    brand(this, 'error:LlmInvalidRequestError');
  }

  override readonly code: ErrorCode = 'invalid_request';
}

/** The provider does not have the model, or not any more, or not for this key. Another client may have another model. */
export class LlmModelNotFoundError extends LlmInvalidRequestError {
  static {
    brand(this, 'error:LlmModelNotFoundError');
  }

  override readonly code = 'model_not_found';
}

/** Why a pending run is not resumed; see {@link PendingRunError}. */
export type PendingRunReason = 'unsigned' | 'changed' | 'expired' | 'replayed' | 'malformed';

/**
 * A pending run of an agent is not resumed:
 * - `'unsigned'`: `forRoot({ approvals: { key } })` is set, and the pending run has no signature;
 * - `'changed'`: it is not what was signed, or was signed by a key that is not known here;
 * - `'expired'`: it is older than `approvals.maxAgeMs`;
 * - `'replayed'`: one of its calls has been made or denied, or is being resumed elsewhere;
 * - `'malformed'`: it is not a pending run, or contradicts itself.
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

/** The provider has no capacity at the moment (503, 529). */
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

/** The call took longer than `timeoutMs`, the SDK's own `timeout`, or the provider's patience (408). */
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

/** No connection, or it was lost before the answer was complete. */
export class LlmConnectionError extends LlmError {
  static {
    brand(this, 'error:LlmConnectionError');
  }

  override readonly code = 'connection';
  protected static override readonly retryableByDefault = true;
}

/** The answer or the stream is malformed, or ended without its end marker. */
export class LlmResponseError extends LlmError {
  static {
    brand(this, 'error:LlmResponseError');
  }

  override readonly code = 'invalid_response';
  protected static override readonly retryableByDefault = true;
}

/**
 * The answer does not fit the `schema` that was given, also after the model was asked to mend it.
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
  /** What the model wrote; `''` where nothing is known of it. Loggers do not print it, because it is not enumerable. */
  declare readonly text: string;
  /** What does not fit, and where: `orders[0].id: must be string; …`, without the values themselves. */
  readonly issues: string;

  constructor(message: string, details: LlmErrorDetails & { text?: string; issues?: string } = {}) {
    super(message, details);
    hide(this, 'text', details.text ?? '');
    this.issues = details.issues ?? '';
  }
}
