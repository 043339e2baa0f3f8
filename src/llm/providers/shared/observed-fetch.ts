import { types } from 'node:util';
import { LlmResponseError, LlmTimeoutError } from '../../../errors/llm-errors.js';
import { promised } from '../../../util/promises.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import { thrownInBody, toLlmError } from './map-error.js';
import { refuseLongWait, waitInCancel } from './retry-wait.js';
import { keepFailedText } from './sdk-error.js';
import { isObject } from './wire-values.js';

/**
 * Carries a call's {@link RequestAttempts} through the SDK to its `fetch`; symbols survive the SDK's copies. Global,
 * because another copy of this package may have wrapped the `fetch` of a ready client.
 */
const ATTEMPTS: unique symbol = Symbol.for('nestjs-llm-callbacks:attempts');
const OBSERVED: unique symbol = Symbol.for('nestjs-llm-callbacks:observed-fetch');

type Fetch = typeof globalThis.fetch;
type ObservedInit = RequestInit & { [ATTEMPTS]?: RequestAttempts };

/** How an attempt ended, with the headers as they were sent. */
type Outcome = Pick<Response, 'ok' | 'status' | 'headers'> | { readonly thrown: unknown };

/** Observes an SDK's attempts through its `fetch`; reports each retry when it begins. */
export class RequestAttempts {
  /** How the last attempt ended; converted to an error only if another follows. */
  #last: { readonly outcome: Outcome; readonly at: number } | undefined;

  constructor(
    private readonly provider: string,
    private readonly context: Pick<LlmProviderContext, 'deadline' | 'onRetry' | 'signal'>,
  ) {}

  begin(): void {
    if (this.#last === undefined) return;
    const { outcome, at } = this.#last;
    this.#last = undefined;
    this.context.onRetry({ error: this.#toError(outcome), delayMs: performance.now() - at });
  }

  watch(answering: Promise<Response>): void {
    answering.then(
      (response) => this.#answered(response),
      (thrown: unknown) => this.#ended({ thrown }),
    );
  }

  #answered(response: Response): void {
    if (response?.ok) {
      this.#ended(response);
      return;
    }
    const { ok, status, headers } = Object(response) as Response;
    const { deadline, signal } = this.context;
    keepFailedText(waitInCancel(refuseLongWait(response, deadline), signal));
    this.#ended({ ok, status, headers });
  }

  #ended(outcome: Outcome): void {
    this.#last = { outcome, at: performance.now() };
  }

  #toError(outcome: Outcome): Error {
    if ('thrown' in outcome) {
      const { thrown } = outcome;
      // The SDK aborts its own request only when its timeout expires. Under Jest, its error is of another realm.
      if ((Object(thrown) as { name?: unknown }).name !== 'AbortError')
        return toLlmError(this.provider, thrown);
      return new LlmTimeoutError(`${this.provider} did not answer within the SDK's timeout.`, {
        cause: thrown,
      });
    }
    const { ok, status, headers } = outcome;
    // An SDK that retries after a success status gave up waiting for the body.
    if (ok)
      return new LlmTimeoutError(`The answer of ${this.provider} did not arrive in time.`, {
        status,
      });
    return toLlmError(this.provider, { status, headers });
  }
}

/** The options of one SDK request that let an observed `fetch` see its attempts. */
export function observing(attempts: RequestAttempts): object {
  return { [ATTEMPTS]: attempts };
}

/** A `fetch` that reports the attempts of this package's calls and leaves all other requests alone. */
export function observedFetch(inner: () => Fetch): Fetch {
  const observed = (input: Parameters<Fetch>[0], init?: ObservedInit): Promise<Response> => {
    const attempts = init?.[ATTEMPTS];
    attempts?.begin();
    const answering = promised(() => inner()(input, init));
    attempts?.watch(answering);
    return answering;
  };
  return Object.assign(observed, { [OBSERVED]: true });
}

/**
 * Makes the attempts of a ready SDK client observable. It must stay the user's own object, spies and changed keys
 * included, so its `fetch` is wrapped in place, once. Clients behind a proxy, and mocks without a `fetch`, stay
 * unchanged.
 */
export function observeClient(client: object): void {
  if (types.isProxy(client) || Object.isFrozen(client)) return;
  const own = client as { fetch?: Fetch & { [OBSERVED]?: true } };
  const { fetch } = own;
  if (!Object.hasOwn(client, 'fetch') || typeof fetch !== 'function' || fetch[OBSERVED]) return;
  own.fetch = observedFetch(() => fetch);
}

/** The valid characters of a header's value; surrounding spaces and line breaks are removed when it is sent. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Whether a text can be sent in a header. Node's own error for an invalid text includes the text, which may be a key.
 */
export function isHeaderText(value: string): boolean {
  return VALUE.test(value.trim());
}

/** Whether a value is a record of valid headers. */
export function isHeaders(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, one]) => NAME.test(name) && typeof one === 'string' && isHeaderText(one),
  );
}

/** The longest answer, in bytes; a server that never ends it must not fill the memory. */
const MAX_BYTES = 64 * 1024 * 1024;

const CURLY = 0x7b;
const SQUARE = 0x5b;
const ANGLE = 0x3c;

/** A body that is not the requested event stream: a whole answer, an error, or a web page. */
export class WholeBody {
  readonly #packets: Buffer[] = [];
  #length = 0;
  #isTaken = false;

  constructor(private readonly provider: string) {}

  /** Whether a body that begins with this byte is not an event stream. */
  static canBegin(first: number | undefined): boolean {
    return first === CURLY || first === SQUARE || first === ANGLE;
  }

  add(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length > MAX_BYTES)
      throw new LlmResponseError(`${this.provider} sent an answer that is too long.`);
    this.#packets.push(bytes);
  }

  /**
   * The answer, once, when all bytes have arrived.
   *
   * @throws the error that the body reports instead of an answer
   */
  take(): object | undefined {
    if (this.#isTaken) return undefined;
    this.#isTaken = true;
    return toAnswer(this.provider, Buffer.concat(this.#packets).toString());
  }
}

/** The answer in a text, whatever its content type. */
export function toAnswer(provider: string, text: string): object {
  let body: unknown;
  try {
    body = JSON.parse(text.trim());
  } catch {
    throw new LlmResponseError(`${provider} sent an answer that is not JSON: check the base URL.`);
  }
  const thrown = thrownInBody(body);
  if (!isObject(body)) {
    throw thrown ?? new LlmResponseError(`${provider} sent an answer of an unknown form.`);
  }
  return body;
}
