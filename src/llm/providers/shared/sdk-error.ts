import { MAX_WORDS, parsedOrText, readErrorBody, type ErrorFacts } from './error-body.js';
import { failedText } from './failed-answer.js';

/** What the errors of both SDKs have in common; read structurally, because there may be several copies of an SDK. */
export interface SdkError {
  status?: unknown;
  /** OpenAI's. */
  code?: unknown;
  /** OpenAI's, and Anthropic's since 1.0. */
  type?: unknown;
  /** OpenAI's: the field `error` of the body. Anthropic's: the body. */
  error?: unknown;
  headers?: unknown;
  requestID?: unknown;
  message?: unknown;
}

/** What is known of a failure: the contents of its body, and the body. */
export interface FailureFacts extends ErrorFacts {
  readonly body: unknown;
}

const MARKUP = /^\s*</;
/** The SDKs put the status before the body's text, or report that there is none. */
const SDK_PREFIX = /^\d{3} (?:status code \(no body\)$)?/;
/** The first data of an event stream that has an error status. */
const EVENT_DATA = /^data: ?(.+)$/m;

/** The contents of an SDK's error; the answer's own text takes precedence if known. */
export function factsOf(error: SdkError): FailureFacts {
  const body = bodyOf(error);
  const { status, words, codes } = readErrorBody(body);
  const own = [error.code, error.type].filter((code) => typeof code === 'string');
  const answered = typeof error.status === 'number' ? error.status : undefined;
  // Only for a provider's own error: the text of other errors does not describe a request.
  const isOfProvider = answered !== undefined || body !== undefined;
  return {
    body,
    words: words || !isOfProvider ? words : messageOf(error),
    codes: [...own, ...codes],
    status: answered ?? status ?? readErrorBody({ code: error.code }).status,
  };
}

/**
 * Restores what an SDK's error lost of the body: its `error`, and a cause with the text. `thrown` stays the same
 * object.
 */
export function completeSdkError(thrown: unknown, { body, words }: FailureFacts): void {
  if (typeof thrown !== 'object' || thrown === null || !Object.isExtensible(thrown)) return;
  const error = thrown as SdkError & { cause?: unknown };
  if (error.error !== undefined || body === undefined || typeof body === 'string') return;
  error.error = body;
  if (error.cause !== undefined || words === '') return;
  Object.defineProperty(error, 'cause', {
    value: new Error(words),
    writable: true,
    configurable: true,
  });
}

function bodyOf({ headers, error }: SdkError): unknown {
  const text = failedText(headers);
  if (!text) return error ?? undefined;
  if (MARKUP.test(text)) return undefined;
  const parsed = parsedOrText(text);
  return typeof parsed === 'string' ? parsedOrText(EVENT_DATA.exec(text)?.[1] ?? text) : parsed;
}

function messageOf({ message }: SdkError): string {
  if (typeof message !== 'string' || message === '(no status code or body)') return '';
  const words = message.slice(0, MAX_WORDS).replace(SDK_PREFIX, '');
  return MARKUP.test(words) ? '' : words;
}
