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
import { contextTokens, readErrorBody } from './error-body.js';
import { type Kind, kindOf, kindOfCode } from './error-kind.js';
import { isLongWait, retryAfterMs, shouldRetry } from './retry-wait.js';
import {
  classNames,
  completeSdkError,
  factsOf,
  type FailureFacts,
  isLostConnection,
  type SdkError,
} from './sdk-error.js';
import { objectOf } from './wire-values.js';

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

/** Fields that an answer, a choice or a stream event has if it is not an error. */
const ANSWERS = ['choices', 'content', 'output', 'candidates', 'delta', 'response'];
/** The fields that hold the sentence of an error without `error`. */
const BARE_SENTENCES = ['message', 'Message', 'msg', 'error_message', 'errorMessage', 'error_msg'];
const GOOD_CODE = /^(?:0|2\d\d|ok|success|succeeded)$/i;
const NAMES_AN_ERROR = /error|exception|invalid|fail|denied|unavailable|exhausted|not_?found/i;

/**
 * The error in a parsed body with a success status, or in a stream event; also the error of a single choice.
 * `undefined` if there is no error.
 *
 * Codes, types and texts are classified as for an error status; an error with only text is an `LlmServerError`. The
 * text is its `reason` and the message of its cause.
 */
export function errorInBody(provider: string, body: unknown): CallbacksError | undefined {
  const thrown = thrownInBody(body);
  return thrown === undefined ? undefined : toLlmError(provider, thrown);
}

/** The same as {@link errorInBody}, as an SDK's own error. */
export function thrownInBody(body: unknown): Error | undefined {
  return isErrorBody(body) ? toStreamError(body) : undefined;
}

function isErrorBody(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false;
  if (Array.isArray(body)) return body.length > 0 && saysSomething(objectOf(body[0])['error']);
  const fields = body as Record<string, unknown>;
  if (fields['error'] && saysSomething(fields['error'])) return true;
  // Streams have many events, and nearly all of them return here.
  if (ANSWERS.some((name) => hasValue(fields[name]))) return false;
  if (fields['type'] === 'error' || fields['object'] === 'error') return true;
  if (fields['error']) return !hasOtherName(fields);
  return hasDetail(fields) || hasFailedStatus(fields) || hasMessage(fields);
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Some servers send an empty error beside each successful answer. */
function saysSomething(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return Boolean(error);
  const { words, codes, status } = readErrorBody(error);
  return (
    words !== '' ||
    status !== undefined ||
    codes.some((code) => code !== '' && !GOOD_CODE.test(code))
  );
}

function hasDetail({ detail, errors }: Record<string, unknown>): boolean {
  if (Array.isArray(errors) && errors.length > 0) return true;
  if (!hasValue(detail)) return false;
  return typeof detail === 'string' || Array.isArray(detail)
    ? detail.length > 0
    : readErrorBody(detail).words !== '';
}

/** MiniMax: https://platform.minimax.io/docs/api-reference/errorcode */
function hasFailedStatus({ base_resp: state }: Record<string, unknown>): boolean {
  const { status_code: code } = objectOf(state);
  return typeof code === 'number' && code !== 0;
}

/** Whether it has a sentence, and none of the fields of an answer or an event. */
function hasMessage(fields: Record<string, unknown>): boolean {
  const says = BARE_SENTENCES.some(
    (name) => typeof fields[name] === 'string' && fields[name] !== '',
  );
  if (!says) return false;
  const { code, status } = fields;
  return !isGoodCode(code) && !isGoodCode(status) && !hasOtherName(fields);
}

/** Whether its name is that of an answer or an event, or its status is not an error status. */
function hasOtherName({ type, object, status }: Record<string, unknown>): boolean {
  return [type, object, status].some(
    (name) => typeof name === 'string' && name !== '' && !isErrorName(name),
  );
}

function isGoodCode(code: unknown): boolean {
  return (typeof code === 'string' || typeof code === 'number') && GOOD_CODE.test(String(code));
}

function isErrorName(name: string): boolean {
  return /^\d+$/.test(name) || kindOfCode(name) !== undefined || NAMES_AN_ERROR.test(name);
}

/**
 * An error that a provider sent inside an answer, in the form of the SDKs' own errors: its message is the provider's
 * sentence, its `error` the body. The body is not enumerable, so that loggers do not print it.
 */
export function toStreamError(body: unknown): Error {
  const { words } = readErrorBody(body);
  const error = new Error(words || 'The provider sent an error without a message.');
  Object.defineProperty(error, 'error', { value: body, writable: true, configurable: true });
  return error;
}
