import { createHash } from 'node:crypto';
import type { ClientScope } from '../handlers/handler-scope.js';
import type { CurrentContext } from '../runs/run-context.js';
import type { ModelRequest } from '../types/llm.js';
import type { LlmOptions } from './llm-options.js';
import type { LlmProvider } from './llm-provider.js';

/** A client that is ready to be called, as `forRoot` or `forFeature` configured it. */
export interface LlmClient extends ClientScope {
  readonly provider: LlmProvider;
  /** The provider's name in events, errors and prices. */
  readonly label: string;
  readonly model: string;
  /** The model that embeds texts. */
  readonly embeddingModel?: string;
  /**
   * Set if a test replaced the configured provider with `provider`; it also replaces what would be resolved per call.
   */
  readonly standIn?: LlmProvider | undefined;
  /** Chooses the client that is actually called, for each call. */
  readonly resolver?: TargetResolver | undefined;
  /** The client of the application that it was resolved from. */
  readonly origin?: LlmClient;
  /** Whether implausible counts of its server were logged; they are logged once. */
  isDoubtLogged?: boolean;
}

/** Resolves the client and request of a call by its context. */
export interface TargetResolver {
  /** Rejects with what the application's `llm.resolve` threw. */
  resolve<Q extends ModelRequest>(
    origin: LlmClient,
    request: Q,
    context: CurrentContext,
  ): Promise<{ readonly client: LlmClient; readonly request: Q }>;
}

/** The application's clients by name. */
export interface LlmClients {
  /** @throws CallbacksConfigurationError for a name that no client has, and for a client without a model */
  named(name: string): LlmClient;
}

/** What an SDK client is created from. */
export interface ClientOptions extends Omit<
  LlmOptions,
  'provider' | 'model' | 'embeddingModel' | 'resolve' | 'maxClients'
> {
  /** The cache for the clients of an `apiKey` function. */
  readonly clients?: ClientCache;
  /** Whether `llm.resolve` may return the key, so that none is needed at start-up. */
  readonly isResolving?: boolean;
  /** Whether `llm.resolve` has returned the key or the server, to which the environment's credentials do not belong. */
  readonly isResolved?: boolean;
}

/**
 * A bounded cache of SDK clients by what they are created from; the least recently used one is evicted first. Keys and
 * headers are hashed, so that no secret is a key of the map. An evicted client still serves the calls that hold it.
 */
export class ClientCache {
  readonly #clients = new Map<string, unknown>();

  constructor(private readonly maxClients: number) {}

  get size(): number {
    return this.#clients.size;
  }

  /** The client for these parts; `make` creates it if needed. */
  get<T>(parts: readonly unknown[], make: () => T): T {
    const key = createHash('sha256').update(JSON.stringify(parts)).digest('base64');
    const client = this.#clients.has(key) ? (this.#clients.get(key) as T) : make();
    this.#clients.delete(key);
    this.#clients.set(key, client);
    if (this.#clients.size > this.maxClients) {
      const [oldest] = this.#clients.keys();
      this.#clients.delete(oldest!);
    }
    return client;
  }
}
