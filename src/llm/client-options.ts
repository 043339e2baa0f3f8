import type { ClientCache } from './client-cache.js';
import type { LlmOptions } from './llm-options.js';

/** What an SDK's client is made of. */
export interface ClientOptions extends Omit<
  LlmOptions,
  'provider' | 'model' | 'resolve' | 'maxClients'
> {
  /** Where the clients of an `apiKey` function are kept. */
  readonly clients?: ClientCache;
  /** Whether `llm.resolve` may give the key, so that none is needed at start-up. */
  readonly isResolving?: boolean;
  /** Whether `llm.resolve` has given the key or the server: the environment's credentials do not belong to it. */
  readonly isResolved?: boolean;
}
