import { Injectable, Optional } from '@nestjs/common';
import { DelegateBackoff, handleWhen, retry, type RetryPolicy } from 'cockatiel';
import { abortable } from '../dispatch/index.js';
import { InterceptLlm, LlmStream, type InterceptedLlmCall, type LlmNext } from '../llm/index.js';
import type { LlmResponse } from '../shapes/index.js';
import { begun, type BegunStream } from './begun.js';
import { checkerFor, isTransient } from './transient.js';

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
@Injectable()
export class RetryInterceptor {
  readonly #policy: RetryPolicy;

  constructor(@Optional() options: RetryOptions = {}) {
    const { maxRetries = 2, initialDelayMs = 500, maxDelayMs = 30_000 } = options;
    const { when = isTransient } = options;
    const check = checkerFor('RetryInterceptor');
    check(Number.isInteger(maxRetries) && maxRetries >= 0, 'maxRetries must be a whole number.');
    check(initialDelayMs >= 0, 'initialDelayMs must be 0 or more milliseconds.');
    check(maxDelayMs >= 0, 'maxDelayMs must be 0 or more milliseconds.');
    const isWorthIt = (error: unknown) => when(error) && (askedDelay(error) ?? 0) <= maxDelayMs;
    const backoff = new DelegateBackoff<{ attempt: number; result: object }>(
      ({ attempt, result }) =>
        ('error' in result && askedDelay(result.error)) ||
        Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1)) * (1 - Math.random() / 4),
    );
    this.#policy = retry(handleWhen(isWorthIt), {
      maxAttempts: maxRetries,
      backoff,
    }).dangerouslyUnref();
  }

  /** Asks again, until there is an answer. */
  @InterceptLlm()
  intercept({ signal }: InterceptedLlmCall, next: LlmNext): Promise<LlmResponse | BegunStream> {
    const trying = this.#policy.execute(async () => {
      const given = next(undefined, { maxRetries: 0 });
      return given instanceof LlmStream ? begun(given) : given;
    }, signal);
    // Nobody waits out a delay once the call was aborted.
    return abortable(trying, signal);
  }
}

/** How long the provider asked to wait, in milliseconds. */
function askedDelay(error: unknown): number | undefined {
  const { retryAfterMs } = Object(error) as { retryAfterMs?: unknown };
  return typeof retryAfterMs === 'number' ? retryAfterMs : undefined;
}
