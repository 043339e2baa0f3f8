import { brand } from '../util/brand.js';
import {
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksError,
} from '../errors/callbacks-error.js';
import {
  LlmAbortedError,
  LlmContentFilterError,
  LlmContextLengthError,
  LlmInvalidRequestError,
  LlmModelNotFoundError,
} from '../errors/llm-errors.js';
import { optionNames } from '../util/known-options.js';
import { type InterceptedModelCall, InterceptModel, type ModelNext } from '../llm/interceptors.js';
import { LlmStream } from '../llm/llm-stream.js';
import type { ModelResponse } from '../types/llm.js';
import { checkerFor, checkNext, firstChunk, type StartedStream } from './retryable.js';

/** Options of {@link FallbackInterceptor}. */
export interface FallbackOptions {
  /** The clients to try when the call's own client fails, in this order: names of features, or `'default'`. */
  clients: readonly string[];
  /**
   * Which errors another client may avoid.
   * @default the provider's errors: no connection, timeouts, limits, its key, its servers, malformed answers, an
   * account without balance or quota, a missing model; not errors of the request, nor aborts and refusals of callbacks
   */
  when?: (error: unknown) => boolean;
}

const OPTIONS = optionNames<FallbackOptions>({ clients: true, when: true });

/** Errors that another provider would repeat, or that must not be bypassed. */
const FINAL = [
  CallbackAbort,
  CallbacksConfigurationError,
  LlmAbortedError,
  LlmContentFilterError,
  LlmContextLengthError,
  LlmInvalidRequestError,
];

/**
 * Tries other clients when one fails; for a stream only before its first chunk. Each client uses its own model. All
 * attempts are one call with one start and one end event, counted once; each is in `attempts`, and each but the first
 * emits `llm.retry`. When all fail, the caller gets the last error.
 *
 * @example
 * ```ts
 * CallbacksModule.forRoot({ llm, callbacks: [new FallbackInterceptor({ clients: ['backup'] })] });
 * CallbacksModule.forFeature({ name: 'backup', llm: { provider: 'anthropic', model: 'claude-haiku-4-5' } });
 * ```
 */
export class FallbackInterceptor {
  static {
    brand(this, 'class:FallbackInterceptor');
  }

  readonly #clients: readonly string[];
  readonly #when: (error: unknown) => boolean;

  constructor(options: FallbackOptions) {
    const check = checkerFor('FallbackInterceptor', options, OPTIONS);
    const { clients, when = isProviders } = options;
    check(
      Array.isArray(clients) &&
        clients.length > 0 &&
        clients.every((name) => typeof name === 'string' && name !== ''),
      'clients must be a list of names of clients.',
    );
    this.#clients = clients;
    this.#when = when;
  }

  /** Tries one client after the other until one answers. */
  @InterceptModel()
  async intercept(
    { client, signal, observed }: InterceptedModelCall,
    next: ModelNext,
  ): Promise<ModelResponse | LlmStream | StartedStream> {
    checkNext('FallbackInterceptor', next);
    if (observed) return next();
    const others = this.#clients.filter((name) => name !== client);
    for (let asked = client; ;) {
      try {
        const given = next(undefined, { client: asked });
        return await (given instanceof LlmStream ? firstChunk(given) : given);
      } catch (error) {
        const another = others.shift();
        if (another === undefined || signal.aborted || !this.#when(error)) throw error;
        asked = another;
      }
    }
  }
}

function isProviders(error: unknown): boolean {
  // The request was rejected, but another client uses its own model.
  if (error instanceof LlmModelNotFoundError) return true;
  return error instanceof CallbacksError && !FINAL.some((kind) => error instanceof kind);
}
