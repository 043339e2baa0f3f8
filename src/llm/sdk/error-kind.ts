/** What the errors of both SDKs have in common; read by shape, because there may be several copies of an SDK. */
export interface SdkError {
  status?: unknown;
  /** OpenAI's. */
  code?: unknown;
  /** OpenAI's, and Anthropic's since 1.0. */
  type?: unknown;
  /** The body; Anthropic's nests another `error`. */
  error?: { type?: unknown; error?: { type?: unknown } } | undefined;
  headers?: Headers | undefined;
  requestID?: unknown;
  message?: unknown;
}

/** What went wrong, in no provider's words. */
export type Kind =
  | 'authentication'
  | 'permission'
  | 'rateLimit'
  | 'quota'
  | 'contextLength'
  | 'contentFilter'
  | 'invalidRequest'
  | 'overloaded'
  | 'server'
  | 'timeout';

/** https://platform.openai.com/docs/guides/error-codes and https://docs.anthropic.com/en/api/errors */
const KIND_BY_CODE: Readonly<Record<string, Kind>> = {
  authentication_error: 'authentication',
  invalid_api_key: 'authentication',
  permission_error: 'permission',
  rate_limit_error: 'rateLimit',
  rate_limit_exceeded: 'rateLimit',
  insufficient_quota: 'quota',
  context_length_exceeded: 'contextLength',
  request_too_large: 'contextLength',
  content_filter: 'contentFilter',
  content_policy_violation: 'contentFilter',
  image_content_policy_violation: 'contentFilter',
  bio_policy: 'contentFilter',
  overloaded_error: 'overloaded',
  server_overloaded: 'overloaded',
  server_is_overloaded: 'overloaded',
  slow_down: 'overloaded',
  timeout_error: 'timeout',
  invalid_request_error: 'invalidRequest',
  invalid_prompt: 'invalidRequest',
  invalid_image: 'invalidRequest',
  invalid_image_url: 'invalidRequest',
  invalid_image_format: 'invalidRequest',
  not_found_error: 'invalidRequest',
  api_error: 'server',
  server_error: 'server',
};

/** Codes that say more than the status that they come with. */
const SHARPER_THAN_STATUS = new Set<Kind>([
  'quota',
  'contextLength',
  'contentFilter',
  'overloaded',
]);

/** Anthropic has no code for it: https://docs.anthropic.com/en/docs/build-with-claude/context-windows */
const TOO_LONG = /prompt is too long|maximum context length|context window|context length/i;
const FILTERED = /content filtering policy/i;

/** The kind of an SDK's error, by its codes, its status and its text; `undefined` when they say nothing. */
export function kindOf(error: SdkError): Kind | undefined {
  const byCode = [error.code, error.type, error.error?.error?.type, error.error?.type]
    .map((code) =>
      typeof code === 'string' && Object.hasOwn(KIND_BY_CODE, code)
        ? KIND_BY_CODE[code]
        : undefined,
    )
    .find((kind) => kind !== undefined);
  // Inside a stream, some servers give the status as the code.
  const status = error.status ?? error.code;
  const byStatus = typeof status === 'number' ? kindOfStatus(status) : undefined;
  const kind =
    byCode && (byStatus === undefined || SHARPER_THAN_STATUS.has(byCode)) ? byCode : byStatus;
  if (kind !== 'invalidRequest') return kind;
  const message = String(error.message);
  if (TOO_LONG.test(message)) return 'contextLength';
  return FILTERED.test(message) ? 'contentFilter' : kind;
}

function kindOfStatus(status: number): Kind | undefined {
  if (status === 401) return 'authentication';
  if (status === 403) return 'permission';
  if (status === 408) return 'timeout';
  if (status === 413) return 'contextLength';
  if (status === 429) return 'rateLimit';
  if (status === 503 || status === 529) return 'overloaded';
  if (status >= 500) return 'server';
  return status >= 400 ? 'invalidRequest' : undefined;
}
