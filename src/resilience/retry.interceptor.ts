import { setTimeout as delay } from 'node:timers/promises';
import type { RetryPolicy } from 'cockatiel';
import { brand } from '../util/brand.js';
import packages from '../util/packages.cjs';
import { optionNames } from '../util/known-options.js';
import { type InterceptedModelCall, InterceptModel, type ModelNext } from '../llm/interceptors.js';
import { LlmStream } from '../llm/llm-stream.js';
import type { ModelResponse } from '../types/llm.js';
import { checkerFor, checkNext, firstChunk, isTransient, type StartedStream } from './retryable.js';

/** Node's timers fire immediately with a longer delay. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Options of {@link RetryInterceptor}. */
export interface RetryOptions {
  /**
   * How often a request is retried.
   * @default 2
   */
  maxRetries?: number;
  /**
   * The delay before the first retry, in milliseconds; doubled before each further one, minus up to a quarter at
   * random. If the provider returns a delay (`retryAfterMs`), that delay is used.
   * @default 500
   */
  initialDelayMs?: number;
  /**
   * The longest delay, in milliseconds; if a provider requires a longer one, the request is not retried.
   * @default 30_000
   */
  maxDelayMs?: number;
  /**
   * Which errors are retried.
   * @default those that are `retryable`
   */
  when?: (error: unknown) => boolean;
}

const OPTIONS = optionNames<RetryOptions>({
  maxRetries: true,
  initialDelayMs: true,
  maxDelayMs: true,
  when: true,
});

/**
 * Retries requests that failed for a temporary reason; streams only before their first chunk. The SDK's own retries are
 * turned off inside, so that the two never multiply: `maxRetries` of the client only applies without a
 * `RetryInterceptor`. Each retry emits `llm.retry`, and all attempts are one call.
 *
 * @example
 * ```ts
 * CallbacksModule.forRoot({ llm, callbacks: [new RetryInterceptor({ maxRetries: 3 })] });
 * ```
 */
export class RetryInterceptor {
  static {
    brand(this, 'class:RetryInterceptor');
  }

  readonly #policy: RetryPolicy;
  readonly #initialDelayMs: number;
  readonly #maxDelayMs: number;

  // Not @Injectable(): Nest would try to resolve the options, and the mocker of a test would invent some.
  constructor(options: RetryOptions = {}) {
    const check = checkerFor('RetryInterceptor', options, OPTIONS);
    const { maxRetries = 2, initialDelayMs = 500, maxDelayMs = 30_000 } = options;
    const { when = isTransient } = options;
    check(Number.isInteger(maxRetries) && maxRetries >= 0, 'maxRetries must be a whole number.');
    check(initialDelayMs >= 0, 'initialDelayMs must be 0 or more milliseconds.');
    check(maxDelayMs >= 0, 'maxDelayMs must be 0 or more milliseconds.');
    this.#initialDelayMs = initialDelayMs;
    this.#maxDelayMs = maxDelayMs;
    const longest = Math.min(maxDelayMs, MAX_TIMER_MS);
    const isWorthIt = (error: unknown) => when(error) && (askedDelay(error) ?? 0) <= longest;
    const { handleWhen, retry } = packages.cockatiel();
    this.#policy = retry(handleWhen(isWorthIt), { maxAttempts: maxRetries });
  }

  /** Retries until there is an answer. */
  @InterceptModel()
  async intercept(
    { signal, observed }: InterceptedModelCall,
    next: ModelNext,
  ): Promise<ModelResponse | LlmStream | StartedStream> {
    checkNext('RetryInterceptor', next);
    if (observed) return next();
    let failed: unknown;
    return this.#policy.execute(async ({ attempt }) => {
      if (attempt > 0) await this.#wait(attempt, failed, signal);
      try {
        const given = next(undefined, { maxRetries: 0 });
        return await (given instanceof LlmStream ? firstChunk(given) : given);
      } catch (error) {
        failed = error;
        throw error;
      }
    }, signal);
  }

  /** Not the policy's own wait: that continues after an abort, and would keep the process alive, or let it exit. */
  async #wait(attempt: number, failed: unknown, signal: AbortSignal): Promise<void> {
    const doubled = Math.min(
      this.#maxDelayMs,
      MAX_TIMER_MS,
      this.#initialDelayMs * 2 ** (attempt - 1),
    );
    const ms = askedDelay(failed) ?? doubled * (1 - Math.random() / 4);
    await delay(ms, undefined, { signal }).catch(() => {
      throw signal.reason as Error;
    });
  }
}

/** Returns the delay that the provider requires, in milliseconds. */
function askedDelay(error: unknown): number | undefined {
  const { retryAfterMs } = Object(error) as { retryAfterMs?: unknown };
  return typeof retryAfterMs === 'number' ? retryAfterMs : undefined;
}
