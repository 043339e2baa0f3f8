import { CallbacksError } from '../../../errors/callbacks-error.js';
import { brand } from '../../../util/brand.js';
import { type ErrorFacts, MAX_WORDS, parsedOrText, readErrorBody } from './error-body.js';

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

/** The names of a value's class and its base classes. */
export function classNames(value: unknown): string[] {
  const names: string[] = [];
  for (
    let proto = Object(value) as object | null;
    proto;
    proto = Object.getPrototypeOf(proto) as object | null
  ) {
    if (Object.hasOwn(proto, 'constructor'))
      names.push((proto.constructor as { name: string }).name);
  }
  return names;
}

/**
 * Whether Node or undici reports that a socket failed: `ECONNRESET`, `UND_ERR_SOCKET`, a body that was `terminated` …
 */
export function isLostConnection(thrown: unknown): boolean {
  const { code, cause, message } = Object(thrown) as {
    code?: unknown;
    cause?: { code?: unknown };
    message?: unknown;
  };
  if (thrown instanceof TypeError && (message === 'terminated' || message === 'fetch failed'))
    return true;
  return [code, cause?.code].some(
    (one) => typeof one === 'string' && /^(E[A-Z]+|UND_ERR_\w+)$/.test(one),
  );
}

/** Carries an error of an application function through a provider, so that the caller gets it unchanged. */
export class CallerFault extends CallbacksError {
  static {
    brand(this, 'error:CallerFault');
  }

  constructor(readonly thrown: unknown) {
    super('A function of the application failed.', { cause: thrown });
  }
}

/** The longest kept text of a failed answer, in UTF-16 code units. */
const MAX_TEXT = 65_536;

/** The text of a failed answer, stored on its headers: the SDKs' errors have the same headers object. */
const TEXT: unique symbol = Symbol('nestjs-llm-callbacks.failed-answer');

/**
 * Keeps the text of a failed answer while an SDK reads it: openai's SDK keeps only the field `error` of a body, and so
 * loses lists, `detail` and `message`. Only what the SDK reads is read, so nothing of an answer that it drops to retry.
 * Answers of other kinds, such as mocks of `fetch` return, stay unchanged.
 */
export function keepFailedText(response: Response): Response {
  const { ok, headers, text } = Object(response) as Partial<Response>;
  if (ok !== false || typeof text !== 'function' || typeof headers !== 'object') return response;
  if (!Object.isExtensible(response) || !Object.isExtensible(headers)) return response;
  const kept = async (): Promise<string> => {
    const read = await text.call(response);
    Object.defineProperty(headers, TEXT, { value: read.slice(0, MAX_TEXT), configurable: true });
    return read;
  };
  Object.defineProperty(response, 'text', { value: kept, configurable: true, writable: true });
  return response;
}

/** The text kept of the failed answer with these headers. */
function failedText(headers: unknown): string | undefined {
  return (Object(headers) as { [TEXT]?: string })[TEXT];
}
