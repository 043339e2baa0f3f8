import { setTimeout as delay } from 'node:timers/promises';
import { handleWhen, retry, type RetryPolicy } from 'cockatiel';
import { brand } from '../util/brand.js';
import { optionNames } from '../util/known-options.js';
import { InterceptLlm, type InterceptedLlmCall, type LlmNext } from '../llm/intercept-llm.js';
import { LlmStream } from '../llm/llm-stream.js';
import type { LlmResponse } from '../types/llm.js';
import { firstChunk, type StartedStream } from './first-chunk.js';
import { checkerFor, checkNext, isTransient } from './retryable.js';

/** Timers of Node end at once when they are given more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Options of {@link RetryInterceptor}. */
export interface RetryOptions {
  /**
   * How often a request is made again.
   * @default 2
   */
  maxRetries?: number;
  /**
   * How long is waited before the first retry, in milliseconds; twice as long before each further one, less up to a
   * quarter by chance. Where the provider says how long to wait (`retryAfterMs`), that counts.
   * @default 500
   */
  initialDelayMs?: number;
  /**
   * The longest wait, in milliseconds; a provider that asks for a longer one is not asked again.
   * @default 30_000
   */
  maxDelayMs?: number;
  /**
   * Which errors are worth another try.
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
 * Makes requests again that failed for a passing reason; a stream only before its first chunk. Retries of the SDK
 * underneath are turned off, so that the two never multiply: `maxRetries` of the client counts only where no
 * `RetryInterceptor` is. Each retry is told as `llm.retry`, and all tries are one call.
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

  // Not @Injectable(): Nest would look for the options, and have the mocker of a test make some up.
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
    this.#policy = retry(handleWhen(isWorthIt), { maxAttempts: maxRetries });
  }

  /** Asks again, until there is an answer. */
  @InterceptLlm()
  intercept({ signal }: InterceptedLlmCall, next: LlmNext): Promise<LlmResponse | StartedStream> {
    checkNext('RetryInterceptor', next);
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

  /** Not the policy's own wait: that goes on after an abort, and would keep the process alive, or let it end. */
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

/** How long the provider asked to wait, in milliseconds. */
function askedDelay(error: unknown): number | undefined {
  const { retryAfterMs } = Object(error) as { retryAfterMs?: unknown };
  return typeof retryAfterMs === 'number' ? retryAfterMs : undefined;
}
