import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { Log } from '../util/log.js';
import type { LlmChunk, LlmRequest, ProviderResult } from '../types/llm.js';
import type { LlmProvider, LlmProviderContext } from './llm-provider.js';

/** The injection token of an application's {@link StandIns}. */
export const STAND_INS: unique symbol = Symbol.for('nestjs-llm-callbacks:stand-ins');

const DEFAULT = 'default';

/** The providers that replace the configured ones in a test of one application. */
export class StandIns {
  /** By the client's name; `undefined` for every client without its own. */
  readonly #providers = new Map<string | undefined, LlmProvider>();
  /** The application's clients, and whether each calls an SDK. */
  readonly #clients = new Map<string, boolean>();

  /** Lets `provider` answer for the client `name`, or for every client. */
  set(provider: LlmProvider, name?: string): void {
    this.#providers.set(name, provider);
  }

  /** The stand-in of a client; `undefined` if its own provider answers. */
  providerFor(name: string = DEFAULT): LlmProvider | undefined {
    return this.#providers.get(name) ?? this.#providers.get(undefined);
  }

  /** Records a client of the application. */
  made(name: string = DEFAULT, asksSdk: boolean): void {
    this.#clients.set(name, asksSdk);
  }

  /**
   * Rejects the name of a client that does not exist. If no client calls an SDK any more, a lazily loaded module may
   * still add it, so this only logs a warning.
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
