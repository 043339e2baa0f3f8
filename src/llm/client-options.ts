import type { ClientCache } from './client-cache.js';
import type { LlmOptions } from './llm-options.js';

/** What an SDK client is created from. */
export interface ClientOptions extends Omit<
  LlmOptions,
  'provider' | 'model' | 'resolve' | 'maxClients'
> {
  /** The cache for the clients of an `apiKey` function. */
  readonly clients?: ClientCache;
  /** Whether `llm.resolve` may return the key, so that none is needed at start-up. */
  readonly isResolving?: boolean;
  /** Whether `llm.resolve` has returned the key or the server, to which the environment's credentials do not belong. */
  readonly isResolved?: boolean;
}
