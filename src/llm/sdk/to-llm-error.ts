import {
  CallbacksError,
  LlmAbortedError,
  LlmAuthenticationError,
  LlmConnectionError,
  LlmContentFilterError,
  LlmContextLengthError,
  LlmInvalidRequestError,
  LlmOverloadedError,
  LlmPermissionError,
  LlmRateLimitError,
  LlmResponseError,
  LlmServerError,
  LlmTimeoutError,
} from '../../errors/index.js';
import { retryAfterMs } from './retry-after.js';
import { classNames, isLostConnection } from './thrown.js';

/** What the errors of both SDKs have in common; read by shape, because there may be several copies of an SDK. */
interface SdkError {
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

type Kind =
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
  overloaded_error: 'overloaded',
  server_overloaded: 'overloaded',
  timeout_error: 'timeout',
  invalid_request_error: 'invalidRequest',
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

const ADVICE: Readonly<Record<Kind, string>> = {
  authentication: 'did not accept the API key: check the key and its environment variable',
  permission: 'does not let this key do that: check the rights of the key and its project',
  rateLimit: 'limits the rate of calls: call again later, or raise the limit of the account',
  quota: 'says that the quota is used up: check the plan and billing of the account',
  contextLength:
    'says that the messages do not fit into the model’s context: shorten them or take a larger model',
  contentFilter: 'refused the request by its content filter: change what is asked',
  invalidRequest: 'refused the request: check the model, the messages and the options',
  overloaded: 'has no capacity at the moment: call again later',
  server: 'failed: call again later',
  timeout: 'took too long: call again later',
};

/**
 * The error of our tree for what an SDK threw: what it says is ours, what the SDK says is its cause. `isAnswered` tells
 * that it was thrown while the answer was read.
 */
export function toLlmError(provider: string, thrown: unknown, isAnswered = false): CallbacksError {
  if (thrown instanceof CallbacksError) return thrown;
  const error = (typeof thrown === 'object' && thrown !== null ? thrown : {}) as SdkError;
  const names = classNames(thrown);
  const has = (name: string) => names.includes(name);
  if (has('APIUserAbortError'))
    return new LlmAbortedError(`The call of ${provider} was aborted.`, { cause: thrown });
  if (has('APIConnectionTimeoutError')) {
    return new LlmTimeoutError(`${provider} did not answer within the SDK's timeout.`, {
      cause: thrown,
    });
  }
  const kind = kindOf(error);
  if (kind !== undefined) return ofKind(kind, provider, error, thrown);
  if (has('SyntaxError')) {
    return new LlmResponseError(
      `${provider} sent something that is not JSON: check the base URL.`,
      { cause: thrown },
    );
  }
  if (!has('APIError') && (has('OpenAIError') || has('AnthropicError'))) {
    return isAnswered
      ? new LlmResponseError(`${provider} sent no event stream: check the base URL.`, {
          cause: thrown,
        })
      : new LlmInvalidRequestError(
          `The SDK of ${provider} refused the request; its own error, the cause, says why.`,
          { cause: thrown },
        );
  }
  if (has('APIConnectionError') || isLostConnection(thrown)) {
    const message = `The connection to ${provider} failed or was lost: check the base URL and the network.`;
    return new LlmConnectionError(message, { cause: thrown });
  }
  return new LlmServerError(`${provider} failed; its own error is the cause.`, { cause: thrown });
}

function kindOf(error: SdkError): Kind | undefined {
  const byCode = [error.code, error.type, error.error?.error?.type, error.error?.type]
    .map((code) =>
      typeof code === 'string' && Object.hasOwn(KIND_BY_CODE, code)
        ? KIND_BY_CODE[code]
        : undefined,
    )
    .find((kind) => kind !== undefined);
  const byStatus = typeof error.status === 'number' ? kindOfStatus(error.status) : undefined;
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

function ofKind(
  kind: Kind,
  provider: string,
  { status, headers, requestID }: SdkError,
  cause: unknown,
): CallbacksError {
  const details = {
    cause,
    status: typeof status === 'number' ? status : undefined,
    requestId: typeof requestID === 'string' ? requestID : undefined,
  };
  const message = `${provider} ${ADVICE[kind]}${details.status === undefined ? '' : ` (status ${details.status})`}.`;
  switch (kind) {
    case 'authentication':
      return new LlmAuthenticationError(message, details);
    case 'permission':
      return new LlmPermissionError(message, details);
    case 'rateLimit':
      return new LlmRateLimitError(message, { ...details, retryAfterMs: retryAfterMs(headers) });
    case 'quota':
      return new LlmRateLimitError(message, { ...details, retryable: false });
    case 'contextLength':
      return new LlmContextLengthError(message, details);
    case 'contentFilter':
      return new LlmContentFilterError(message, details);
    case 'invalidRequest':
      return new LlmInvalidRequestError(message, details);
    case 'overloaded':
      return new LlmOverloadedError(message, details);
    case 'server':
      return new LlmServerError(message, details);
    case 'timeout':
      return new LlmTimeoutError(message, details);
  }
}
