import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { ClientScope } from '../handlers/handler-scope.js';
import type { LlmRuntime } from '../llm/call/model-call.js';
import { defaultLabel } from '../llm/client.js';
import { faultOfRunContext } from '../runs/request-context.js';
import type { RunFactory } from '../runs/run-factory.js';
import { isOptions, kindOf, optionNames, unknownOption } from '../util/known-options.js';
import { isTimeoutMs } from '../util/promises.js';
import { observedCopy, sdkOf } from './observe-client.js';
import type { ObservedClient } from './observed-call.js';

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

const OPTIONS = optionNames<ObserveOptions>({
  name: true,
  label: true,
  tags: true,
  metadata: true,
  usage: true,
  unreadMs: true,
});
const USAGES = new Set<unknown>(['estimate', 'ask']);
const UNREAD_MS = 300_000;

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
    const sdk = sdkOf(client);
    if (sdk === undefined) {
      throw refusal(
        'the first argument is no client that can be observed: give an OpenAI, AzureOpenAI or Anthropic client, not a class that extends one.',
      );
    }
    checkOptions(options);
    const { name, label, tags, metadata, usage = 'estimate', unreadMs = UNREAD_MS } = options;
    const key = JSON.stringify([name, label, tags, metadata, usage, unreadMs]);
    const copies = this.#copies.get(client) ?? new Map<string, object>();
    this.#copies.set(client, copies);
    let copy = copies.get(key);
    if (copy === undefined) {
      const observed: ObservedClient = {
        runtime: this.parts.runtime,
        runs: this.parts.runs,
        origin: sdk,
        scope: name === undefined ? NO_SCOPE : this.parts.scopeOf(name),
        label: label ?? defaultLabel(sdk, { client }) ?? sdk,
        context: { tags, metadata },
        usage,
        unreadMs,
      };
      copy = observedCopy(client, sdk, observed);
      copies.set(key, copy);
      // Observed once more with the same options, it is itself.
      this.#copies.set(copy, new Map([[key, copy]]));
    }
    return copy as C;
  }
}

function checkOptions(options: ObserveOptions): void {
  if (!isOptions(options)) throw refusal(`options must be an object, not ${kindOf(options)}.`);
  const unknown = unknownOption(options, OPTIONS);
  if (unknown !== undefined) throw refusal(`there is no ${unknown}.`);
  for (const name of ['name', 'label'] as const)
    if (options[name] !== undefined && (typeof options[name] !== 'string' || options[name] === ''))
      throw refusal(`${name} must be a text.`);
  const { usage, unreadMs } = options;
  if (usage !== undefined && !USAGES.has(usage))
    throw refusal("usage must be 'estimate' or 'ask'.");
  if (unreadMs !== undefined && !isTimeoutMs(unreadMs))
    throw refusal('unreadMs must be a positive number of milliseconds (below 2^31).');
  const fault = faultOfRunContext(options);
  if (fault !== undefined) throw refusal(fault);
}

function refusal(what: string): CallbacksConfigurationError {
  return new CallbacksConfigurationError(`callbacks.observe(): ${what}`);
}
