import { randomUUID } from 'node:crypto';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { EventOrigin } from '../events/event.js';
import type { ClientScope } from '../handlers/handler-scope.js';
import type { LlmRuntime } from '../llm/call/model-call.js';
import { defaultLabel } from '../llm/client.js';
import { faultOfRunContext } from '../runs/request-context.js';
import type { RunFactory } from '../runs/run-factory.js';
import { isOptions, kindOf, optionNames, unknownOption } from '../util/known-options.js';
import { isTimeoutMs } from '../util/promises.js';
import { foreignFetch, type ObservedRequests } from './foreign-fetch.js';
import { observationOf, observedCopy } from './observe-client.js';
import type { ObservedClient } from './observed-call.js';
import { faultOfClient, type Fetch, sdkOf } from './sdk-client.js';

/** Options of `callbacks.observe()`. */
export interface ObserveOptions {
  /**
   * A client of `forFeature`: its scope, its callbacks and its limits apply.
   * @default the default client
   */
  name?: string;
  /**
   * The provider in events, errors and prices.
   * @default by the class of the client, or by the host that it calls
   */
  label?: string;
  /** Added to the tags of each call's context. */
  tags?: readonly string[];
  /** Merged over the metadata of each call's context. */
  metadata?: Readonly<Record<string, unknown>>;
  /**
   * `'ask'` adds `stream_options.include_usage` to streamed chat completions, so that the server counts them; the caller
   * then gets one more event without choices. `'estimate'` never changes a body.
   * @default 'estimate'
   */
  usage?: 'estimate' | 'ask';
  /**
   * After how many milliseconds an answer that nobody reads is cancelled.
   * @default 300_000
   */
  unreadMs?: number;
}

/** Options of `callbacks.fetch()`. */
export interface ObservedFetchOptions extends ObserveOptions {
  /**
   * What sends the requests, for a proxy or an agent of your own.
   * @default the global `fetch` at the time of each request
   */
  fetch?: typeof globalThis.fetch;
}

const OPTIONS = optionNames<ObserveOptions>({
  name: true,
  label: true,
  tags: true,
  metadata: true,
  usage: true,
  unreadMs: true,
});
const FETCH_OPTIONS = new Set([...OPTIONS, 'fetch']);
const USAGES = new Set<unknown>(['estimate', 'ask']);
const UNREAD_MS = 300_000;
/** Of one client; options may be made for each request. */
const MAX_COPIES = 100;

/** What observed calls need of the application. */
export interface ObserverParts {
  readonly runtime: LlmRuntime;
  readonly runs: RunFactory;
  /** The scope of a client of `forFeature`; throws for an unknown name. */
  readonly scopeOf: (name: string) => ClientScope;
}

const NO_SCOPE: ClientScope = { name: undefined, callbacks: [] };

/** Makes copies of foreign clients whose calls are runs of the application. */
export class Observer {
  readonly #copies = new WeakMap<object, Map<string, object>>();

  constructor(private readonly parts: ObserverParts) {}

  /** @throws CallbacksConfigurationError */
  observe<C extends object>(client: C, options: ObserveOptions): C {
    const wrong = faultOfClient(client);
    if (wrong !== undefined) throw refusal('observe', wrong);
    checkOptions('observe', options, OPTIONS);
    const { name, label, tags, metadata, usage, unreadMs } = options;
    const key = keyOf([name, label, tags, metadata, usage, unreadMs]);
    // Observed once more with the same options, it is itself.
    if (this.#isObserved(client, key)) return client;
    const sdk = sdkOf(client)!;
    const copies = this.#copies.get(client) ?? new Map<string, object>();
    this.#copies.set(client, copies);
    let copy = copies.get(key);
    if (copy === undefined) {
      const observed: ObservedClient = {
        ...this.#requestsOf(sdk, options),
        label: label ?? defaultLabel(sdk, { client }) ?? sdk,
      };
      copy = observedCopy(client, sdk, observed, { observer: this, key });
      copies.set(key, copy);
      if (copies.size > MAX_COPIES) copies.delete(copies.keys().next().value!);
    }
    return copy as C;
  }

  /** @throws CallbacksConfigurationError for a client that is observed otherwise: its calls would be two runs */
  #isObserved(client: object, key: string): boolean {
    const observation = observationOf(client);
    if (observation === undefined) return false;
    if (observation.observer !== this)
      throw refusal(
        'observe',
        'another application observes this client: observe the original client.',
      );
    if (observation.key !== key)
      throw refusal(
        'observe',
        'the client is observed with other options: observe the original client.',
      );
    return true;
  }

  /** @throws CallbacksConfigurationError */
  fetch(options: ObservedFetchOptions): Fetch {
    checkOptions('fetch', options, FETCH_OPTIONS);
    const { fetch: inner = (input, init) => globalThis.fetch(input, init), ...others } = options;
    if (typeof inner !== 'function') throw refusal('fetch', 'fetch must be a function.');
    return foreignFetch(inner, this.#requestsOf('fetch', others));
  }

  #requestsOf(origin: EventOrigin, options: ObserveOptions): ObservedRequests {
    const { runtime, runs, scopeOf } = this.parts;
    const { name, label, tags, metadata, usage = 'estimate', unreadMs = UNREAD_MS } = options;
    const scope = name === undefined ? NO_SCOPE : scopeOf(name);
    return { runtime, runs, origin, scope, label, context: { tags, metadata }, usage, unreadMs };
  }
}

/** Equal for equal options; metadata may hold what cannot be compared by its JSON. */
function keyOf(options: readonly unknown[]): string {
  try {
    return JSON.stringify(options, (_name, value: unknown) => {
      if (isJson(value)) return value;
      throw new TypeError('no JSON');
    });
  } catch {
    return randomUUID();
  }
}

function isJson(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return !['function', 'symbol', 'bigint'].includes(typeof value);
  const proto = Object.getPrototypeOf(value) as object | null;
  return proto === null || Object.getPrototypeOf(proto) === null;
}

type Method = 'observe' | 'fetch';

function checkOptions(
  method: Method,
  options: ObserveOptions,
  known: Parameters<typeof unknownOption>[1],
): void {
  const refuse = (what: string) => refusal(method, what);
  if (!isOptions(options)) throw refuse(`options must be an object, not ${kindOf(options)}.`);
  const unknown = unknownOption(options, known);
  if (unknown !== undefined) throw refuse(`there is no ${unknown}.`);
  for (const name of ['name', 'label'] as const)
    if (options[name] !== undefined && (typeof options[name] !== 'string' || options[name] === ''))
      throw refuse(`${name} must be a text.`);
  const { usage, unreadMs } = options;
  if (usage !== undefined && !USAGES.has(usage)) throw refuse("usage must be 'estimate' or 'ask'.");
  if (unreadMs !== undefined && !isTimeoutMs(unreadMs))
    throw refuse('unreadMs must be a positive number of milliseconds (below 2^31).');
  const fault = faultOfRunContext(options);
  if (fault !== undefined) throw refuse(fault);
}

function refusal(method: Method, what: string): CallbacksConfigurationError {
  return new CallbacksConfigurationError(`callbacks.${method}(): ${what}`);
}
