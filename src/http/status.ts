import { CallbackAbort, type CallbacksError, type ErrorCode } from '../errors/callbacks-error.js';

const MS_PER_SECOND = 1_000;
const FORBIDDEN = 403;
const SERVER_ERROR = 500;

/** The status of each kind of error; 499, "client closed request", is what proxies log. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid_request: 400,
  context_length: 400,
  content_filter: 400,
  budget_exceeded: 402,
  pending_run: 409,
  rate_limit: 429,
  rate_limit_exceeded: 429,
  aborted: 499,
  limit_key_missing: 500,
  unknown_price: 500,
  authentication: 502,
  billing: 502,
  permission: 502,
  server_error: 502,
  connection: 502,
  invalid_response: 502,
  schema_validation: 502,
  overloaded: 503,
  limit_store_unavailable: 503,
  timeout: 504,
  callback_timeout: 504,
  real_llm_call: 500,
};

/** The HTTP status of an error. */
export function statusOf(error: CallbacksError): number {
  return STATUS[error.code] ?? (error instanceof CallbackAbort ? FORBIDDEN : SERVER_ERROR);
}

/**
 * When a request may be repeated, in whole seconds; `undefined` if unknown or never. RFC 9110 allows digits only, so
 * neither `Infinity` nor `1e+21` may be sent.
 */
export function retryAfterSeconds(error: CallbacksError): number | undefined {
  const { retryAfterMs } = error as { retryAfterMs?: unknown };
  const seconds =
    typeof retryAfterMs === 'number' ? Math.ceil(retryAfterMs / MS_PER_SECOND) : Number.NaN;
  return Number.isSafeInteger(seconds) && seconds >= 0 ? seconds : undefined;
}
