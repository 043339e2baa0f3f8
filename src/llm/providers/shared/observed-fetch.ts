import { types } from 'node:util';
import { promised } from '../../../dispatch/promises.js';
import { LlmTimeoutError } from '../../../errors/llm-errors.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import { keepFailedText } from './failed-answer.js';
import { refuseLongWait } from './long-wait.js';
import { waitInCancel } from './retry-wait.js';
import { toLlmError } from './to-llm-error.js';

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
