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
import { InterceptLlm, type InterceptedLlmCall, type LlmNext } from '../llm/intercept-llm.js';
import { LlmStream } from '../llm/llm-stream.js';
import type { LlmResponse } from '../types/llm.js';
import { firstChunk, type StartedStream } from './first-chunk.js';
import { checkerFor, checkNext } from './retryable.js';

/** Options of {@link FallbackInterceptor}. */
export interface FallbackOptions {
  /** The clients that are asked when the call's own fails, in this order: names of features, or `'default'`. */
  clients: readonly string[];
  /**
   * Which errors another client may do better at.
   * @default those of the provider: no connection, timeouts, limits, its key, its servers, malformed answers, an account
   * without balance or quota, a model that it does not have; not those that lie in the request, nor aborts and refusals
   * of callbacks
   */
  when?: (error: unknown) => boolean;
}

const OPTIONS = optionNames<FallbackOptions>({ clients: true, when: true });

/** Errors that another provider would repeat, or that nobody must get around. */
const FINAL = [
  CallbackAbort,
  CallbacksConfigurationError,
  LlmAbortedError,
  LlmContentFilterError,
  LlmContextLengthError,
  LlmInvalidRequestError,
];

/**
 * Asks other clients when one fails; a stream only before its first chunk. Each client's own model is asked. All tries
 * are one call, told once and counted once; each is in `attempts`, and each but the first is told as `llm.retry`. When all
 * fail, the caller gets the error of the last.
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

  /** Asks one client after the other, until there is an answer. */
  @InterceptLlm()
  async intercept(
    { client, signal }: InterceptedLlmCall,
    next: LlmNext,
  ): Promise<LlmResponse | StartedStream> {
    checkNext('FallbackInterceptor', next);
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
  // A refused request, but another client asks for its own model.
  if (error instanceof LlmModelNotFoundError) return true;
  return error instanceof CallbacksError && !FINAL.some((kind) => error instanceof kind);
}
