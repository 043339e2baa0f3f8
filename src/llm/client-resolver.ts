import type { CurrentContext } from '../runs/current-context.js';
import type { LlmRequest } from '../types/llm.js';
import type { ClientCache } from './client-cache.js';
import type { LlmClient, TargetResolver } from './llm-client.js';
import type { Overrides, ResolveClient } from './llm-options.js';

/** What a {@link ClientResolver} is created from. */
export interface ClientResolverParts {
  readonly resolve: ResolveClient;
  readonly clients: ClientCache;
  /** Checks what `llm.resolve` returned. */
  readonly check: (given: unknown) => Overrides;
  /** Creates a client from `origin` and overrides, which have more than a model. */
  readonly make: (origin: LlmClient, overrides: Overrides) => LlmClient;
}

/** Calls `llm.resolve` for each call, and caches the clients that its results require. */
export class ClientResolver implements TargetResolver {
  /** By the SDK client that the application returned; an entry lives as long as that client. */
  readonly #ready = new WeakMap<object, LlmClient>();

  constructor(private readonly parts: ClientResolverParts) {}

  async resolve(
    origin: LlmClient,
    request: LlmRequest,
    context: CurrentContext,
  ): Promise<{ client: LlmClient; request: LlmRequest }> {
    const { resolve, check } = this.parts;
    const overrides = check(await resolve(context, { model: request.model }));
    const { model = request.model } = overrides;
    const client = this.#clientOf(origin, overrides);
    return { client, request: model === request.model ? request : { ...request, model } };
  }

  #clientOf(origin: LlmClient, overrides: Overrides): LlmClient {
    const { apiKey, baseURL, defaultHeaders, client } = overrides;
    const make = () => this.parts.make(origin, overrides);
    if (client !== undefined) {
      const made = this.#ready.get(client) ?? make();
      this.#ready.set(client, made);
      return made;
    }
    if (apiKey === undefined && baseURL === undefined && defaultHeaders === undefined)
      return origin;
    const headers = Object.entries(defaultHeaders ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return this.parts.clients.get(['resolved', apiKey, baseURL, headers], make);
  }
}
