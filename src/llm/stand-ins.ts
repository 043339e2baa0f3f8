import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { Log } from '../util/log.js';
import type { LlmChunk, LlmRequest, ProviderResult } from '../types/llm.js';
import type { LlmProvider, LlmProviderContext } from './llm-provider.js';

/** The token of an application's {@link StandIns}. */
export const STAND_INS: unique symbol = Symbol.for('nestjs-llm-callbacks:stand-ins');

const DEFAULT = 'default';

/** The providers that answer in place of the configured ones, in a test of one application. */
export class StandIns {
  /** By the client's name; `undefined` for every client that has none of its own. */
  readonly #providers = new Map<string | undefined, LlmProvider>();
  /** The clients that the application has, and whether each asks an SDK. */
  readonly #clients = new Map<string, boolean>();

  /** Has `provider` answer for the client `name`, or for every client. */
  set(provider: LlmProvider, name?: string): void {
    this.#providers.set(name, provider);
  }

  /** What answers for a client; `undefined` where its own provider does. */
  providerFor(name: string = DEFAULT): LlmProvider | undefined {
    return this.#providers.get(name) ?? this.#providers.get(undefined);
  }

  /** Notes a client that the application has. */
  made(name: string = DEFAULT, asksSdk: boolean): void {
    this.#clients.set(name, asksSdk);
  }

  /**
   * Refuses the name of a client that does not exist. Where no client asks an SDK any more, a module that is loaded later
   * may bring it, so that it is only warned of.
   *
   * @throws CallbacksConfigurationError
   */
  check(): void {
    const unknown = [...this.#providers.keys()].filter(
      (name) => name !== undefined && !this.#clients.has(name),
    );
    if (unknown.length === 0) return;
    const known = [...this.#clients.keys()].join(', ') || 'none';
    const message = `overrideLlm: there is no client "${unknown.join('", "')}" that has a model. Known are: ${known}; others come from CallbacksModule.forFeature({ name, llm }).`;
    if ([...this.#clients.values()].some((asksSdk) => asksSdk))
      throw new CallbacksConfigurationError(message);
    new Log('Callbacks').warn(`${message} A module that is loaded later may bring it.`);
  }
}

/** A provider that answers under the name of the configured one, by which interceptors compare clients. */
export class StandIn implements LlmProvider {
  constructor(
    readonly name: string,
    private readonly provider: LlmProvider,
  ) {}

  prepare(): void | Promise<void> {
    return this.provider.prepare?.();
  }

  generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult> {
    return this.provider.generate(request, context);
  }

  stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult> {
    return this.provider.stream(request, context);
  }
}
