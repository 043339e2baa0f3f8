import { CallbacksError } from '../../../errors/callbacks-error.js';
import {
  LlmAbortedError,
  LlmAuthenticationError,
  LlmBillingError,
  LlmConnectionError,
  LlmContentFilterError,
  LlmContextLengthError,
  LlmInvalidRequestError,
  LlmModelNotFoundError,
  LlmOverloadedError,
  LlmPermissionError,
  LlmRateLimitError,
  LlmResponseError,
  LlmServerError,
  LlmTimeoutError,
} from '../../../errors/llm-errors.js';
import { contextTokens } from './context-tokens.js';
import { kindOf, type Kind } from './error-kind.js';
import { isLongWait } from './long-wait.js';
import { retryAfterMs, shouldRetry } from './retry-after.js';
import { completeSdkError, factsOf, type FailureFacts, type SdkError } from './sdk-error.js';
import { classNames, isLostConnection } from './connection-error.js';

const ADVICE: Readonly<Record<Kind, string>> = {
  authentication: 'did not accept the API key: check the key and its environment variable',
  permission: 'does not let this key do that: check the rights of the key and its project',
  rateLimit: 'limits the rate of calls: call again later, or raise the limit of the account',
  quota: 'says that the quota is used up: check the plan and billing of the account',
  billing: 'says that the account has no balance left: check the plan and billing of the account',
  contextLength:
    'says that the messages do not fit into the model’s context: shorten them or take a larger model',
  contentFilter: 'refused the request by its content filter: change what is asked',
  modelNotFound:
    'does not have the model: check its name, its region and the rights of the key, or take another model',
  invalidRequest: 'refused the request: check the model, the messages and the options',
  overloaded: 'has no capacity at the moment: call again later',
  server: 'failed: call again later',
  timeout: 'took too long: call again later',
};

/** Kinds that no retry helps, whatever a header says. */
const FINAL: ReadonlySet<Kind> = new Set(['quota', 'billing', 'modelNotFound']);

/**
 * Converts an SDK's error to an error of this package: the message is this package's, the SDK's error is its cause.
 * `isAnswered` is true if it was thrown while the answer was read.
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
  const facts = factsOf(error);
  completeSdkError(thrown, facts);
  const kind = kindOf(facts);
  if (kind !== undefined) return ofKind(kind, provider, error, facts, thrown);
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
  return new LlmServerError(`${provider} failed; its own error is the cause.`, {
    cause: thrown,
    reason: facts.words,
  });
}

/** The server's recommendation about a retry. */
function advice(headers: unknown): boolean | undefined {
  return isLongWait(headers) ? undefined : shouldRetry(headers);
}

function ofKind(
  kind: Kind,
  provider: string,
  { status, headers, requestID }: SdkError,
  { body, words: reason }: FailureFacts,
  cause: unknown,
): CallbacksError {
  const details = {
    cause,
    reason,
    retryable: FINAL.has(kind) ? false : advice(headers),
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
      return new LlmRateLimitError(message, details);
    case 'billing':
      return new LlmBillingError(message, details);
    case 'contextLength':
      return new LlmContextLengthError(message, {
        ...details,
        tokens: contextTokens(body, reason),
      });
    case 'modelNotFound':
      return new LlmModelNotFoundError(message, details);
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
