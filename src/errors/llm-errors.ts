import { CallbacksError, type ErrorDetails } from './callbacks-error.js';

/** Any failure of a call to a provider. */
export abstract class LlmError extends CallbacksError {}

/** The key is missing, wrong or revoked (401). */
export class LlmAuthenticationError extends LlmError {
  override readonly code = 'authentication';
}

/** The key may not use this model or feature (403). */
export class LlmPermissionError extends LlmError {
  override readonly code = 'permission';
}

/** The provider limits the rate of calls, or the account's quota is used up (429; then not retryable). */
export class LlmRateLimitError extends LlmError {
  override readonly code = 'rate_limit';
  protected static override readonly retryableByDefault = true;
  /** How long the provider asks to wait, in milliseconds. */
  readonly retryAfterMs?: number;

  constructor(message: string, details: ErrorDetails & { retryAfterMs?: number | undefined } = {}) {
    super(message, details);
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}

/** The messages do not fit into the model's context window (413 and the providers' own codes). */
export class LlmContextLengthError extends LlmError {
  override readonly code = 'context_length';
}

/** The provider's content filter refused the request. An answer that it cut short is a finish reason instead. */
export class LlmContentFilterError extends LlmError {
  override readonly code = 'content_filter';
}

/** The request is not acceptable (400, 404, 409, 422), or was refused before it was sent. */
export class LlmInvalidRequestError extends LlmError {
  override readonly code = 'invalid_request';
}

/** The provider has no capacity at the moment (503, 529). */
export class LlmOverloadedError extends LlmError {
  override readonly code = 'overloaded';
  protected static override readonly retryableByDefault = true;
}

/** The provider failed (other 5xx). */
export class LlmServerError extends LlmError {
  override readonly code = 'server_error';
  protected static override readonly retryableByDefault = true;
}

/** The call took longer than `timeoutMs`, the SDK's own `timeout`, or the provider's patience (408). */
export class LlmTimeoutError extends LlmError {
  override readonly code = 'timeout';
  protected static override readonly retryableByDefault = true;
}

/** The call was aborted; `cause` is the reason. Its `name` is `'AbortError'`, as everywhere on the platform. */
export class LlmAbortedError extends LlmError {
  override readonly code = 'aborted';

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details);
    this.name = 'AbortError';
  }
}

/** No connection, or it was lost before the answer was complete. */
export class LlmConnectionError extends LlmError {
  override readonly code = 'connection';
  protected static override readonly retryableByDefault = true;
}

/** The answer or the stream is malformed, or ended without its end marker. */
export class LlmResponseError extends LlmError {
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
  override readonly code = 'schema_validation';
  protected static override readonly retryableByDefault = true;
  /** What the model wrote; `''` where nothing is known of it. */
  readonly text: string;
  /** What does not fit, and where: `orders[0].id: must be string; …`, without the values themselves. */
  readonly issues: string;

  constructor(message: string, details: ErrorDetails & { text?: string; issues?: string } = {}) {
    super(message, details);
    this.text = details.text ?? '';
    this.issues = details.issues ?? '';
  }
}
