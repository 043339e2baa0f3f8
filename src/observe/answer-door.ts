import { classNames } from '../llm/providers/shared/sdk-error.js';
import type { RunFactory } from '../runs/run-factory.js';
import { callOf, type Marked, markOf } from './layers.js';
import { type Fetch, hasMiddleware, type SdkClient } from './sdk-client.js';

/** The options of a client that decide who sees its answers. */
interface Ways {
  readonly fetch?: Fetch | undefined;
  readonly middleware?: readonly unknown[] | undefined;
}

/** Where the answers to requests that passed the gate are observed. */
export interface AnswerDoor {
  /** The given ones of these options, so that the answers are observed. */
  through(ways: Ways): object;
  /** Keeps a copy observed. */
  keep(client: SdkClient): void;
}

/**
 * Middleware, if the SDK has it: outside of all other middleware, and of what clients of Bedrock and Vertex make of
 * requests and answers. Otherwise the `fetch`.
 */
export function doorOf(client: SdkClient, runs: RunFactory): AnswerDoor {
  return hasMiddleware(client) ? new MiddlewareDoor(runs) : new FetchDoor(runs);
}

class FetchDoor implements AnswerDoor {
  constructor(private readonly runs: RunFactory) {}

  through(ways: Ways): object {
    return 'fetch' in ways ? { fetch: observingFetch(fetchOf(ways), this.runs) } : {};
  }

  keep(): void {}
}

/** The SDKs take the global one instead of none. */
function fetchOf({ fetch }: Ways): Fetch {
  return fetch ?? globalThis.fetch;
}

function observingFetch(inner: Fetch, runs: RunFactory): Fetch {
  return (input, init) => {
    const call = callOf(init, runs);
    // Called without a receiver, as the SDKs call it.
    if (call === undefined) return inner(input, init);
    const send = (stop: AbortController) =>
      inner(input, { ...init, ...markOf(runs), signal: joined(init?.signal, stop) });
    return call.send(send);
  };
}

/**
 * A signal that either of the two aborts. A listener on the signal of one attempt goes with it, and needs none of the weak
 * references of `AbortSignal.any()`.
 */
function joined(ofAttempt: AbortSignal | null | undefined, stop: AbortController): AbortSignal {
  if (ofAttempt?.aborted) stop.abort(ofAttempt.reason);
  else ofAttempt?.addEventListener('abort', () => stop.abort(ofAttempt.reason), { once: true });
  return stop.signal;
}

/** A request inside of an SDK's middleware. */
interface MiddlewareRequest {
  readonly signal?: AbortSignal | null;
}

type Middleware = (
  request: MiddlewareRequest,
  next: (request: MiddlewareRequest) => Promise<Response>,
  context: { readonly options?: { readonly fetchOptions?: Marked } },
) => Promise<Response>;

/** What the `fetch` of an attempt has thrown. */
interface Attempt {
  readonly thrown: unknown[];
}

class MiddlewareDoor implements AnswerDoor {
  /** By the signals of their requests, which other middleware passes on. */
  readonly #attempts = new WeakMap<AbortSignal, Attempt>();

  constructor(private readonly runs: RunFactory) {}

  readonly #observe: Middleware = (request, next, { options }) => {
    const call = callOf(options?.fetchOptions, this.runs);
    if (call === undefined) return next(request);
    const attempt: Attempt = { thrown: [] };
    const send = (stop: AbortController) => {
      const signal = joined(request.signal, stop);
      this.#attempts.set(signal, attempt);
      return next({ ...request, signal });
    };
    return call.send(send, (thrown) => isTriedAgain(thrown, attempt));
  };

  through(ways: Ways): object {
    return {
      ...('fetch' in ways && { fetch: this.#noting(fetchOf(ways)) }),
      ...('middleware' in ways && { middleware: this.#outermost(ways.middleware ?? []) }),
    };
  }

  /** The field is public: what an application sets it to is added. */
  keep(client: SdkClient): void {
    let { middleware = [] } = client;
    Object.defineProperty(client, 'middleware', {
      get: () => middleware,
      set: (others: readonly unknown[]) => {
        middleware = this.#outermost(others);
      },
      enumerable: true,
      configurable: true,
    });
  }

  #outermost(middleware: readonly unknown[]): readonly unknown[] {
    return [this.#observe, ...middleware.filter((one) => one !== this.#observe)];
  }

  /** Notes what fails below all middleware, which the SDK tries again. */
  #noting(inner: Fetch): Fetch {
    return async (input, init) => {
      try {
        return await inner(input, init);
      } catch (error) {
        if (init?.signal) this.#attempts.get(init.signal)?.thrown.push(error);
        throw error;
      }
    };
  }
}

/** The SDK's errors that it tries again when middleware throws them. */
const TRIED_AGAIN = new Set(['APIConnectionError', 'RetryableError']);
const TIMED_OUT = /timed? ?out/i;
const MAX_CAUSES = 20;

/** Whether the SDK sends a request again whose middleware has failed; errors of other middleware are final. */
function isTriedAgain(thrown: unknown, { thrown: byFetch }: Attempt): boolean {
  const { cause } = Object(thrown) as { cause?: unknown };
  if (TIMED_OUT.test(`${nameOf(thrown)} ${messageOf(thrown)} ${nameOf(cause)} ${messageOf(cause)}`))
    return true;
  const messages = byFetch.map(messageOf);
  let error = thrown;
  for (let depth = 0; depth < MAX_CAUSES && Object(error) === error; depth++) {
    if (nameOf(error) === 'AbortError') return true;
    if (classNames(error).some((known) => TRIED_AGAIN.has(known))) return true;
    // The SDK throws a copy of what is no error of its realm.
    if (byFetch.includes(error) || messages.includes(messageOf(error))) return true;
    ({ cause: error } = error as { cause?: unknown });
  }
  return false;
}

function nameOf(thrown: unknown): string {
  const { name } = Object(thrown) as { name?: unknown };
  return typeof name === 'string' ? name : '';
}

function messageOf(thrown: unknown): string {
  const { message } = Object(thrown) as { message?: unknown };
  return typeof message === 'string' ? message : typeof thrown === 'string' ? thrown : '';
}
