import type { TimeoutPolicy } from 'cockatiel';
import { brand } from '../util/brand.js';
import packages from '../util/packages.cjs';
import { isTimeoutMs, TIMEOUT_RULE } from '../util/promises.js';
import { LlmTimeoutError } from '../errors/llm-errors.js';
import { optionNames } from '../util/known-options.js';
import { type InterceptedModelCall, InterceptModel, type ModelNext } from '../llm/interceptors.js';
import { LlmStream } from '../llm/llm-stream.js';
import type { LlmChunk, LlmResponse } from '../types/llm.js';
import { checkerFor, checkNext } from './retryable.js';

/** Options of {@link TimeoutInterceptor}. */
export interface TimeoutOptions {
  /**
   * How long the provider may be silent, in milliseconds: until a whole answer, or until each next chunk of a stream.
   * @default 60_000
   */
  timeoutMs?: number;
}

const OPTIONS = optionNames<TimeoutOptions>({ timeoutMs: true });

/**
 * Aborts a request when its provider is silent for too long, with an `LlmTimeoutError`, which interceptors around it
 * may handle by another attempt. `timeoutMs` of a call, in contrast, covers the whole call. Streams of observed clients
 * pass: the client has a timeout of its own.
 *
 * @example
 * ```ts
 * callbacks: [new FallbackInterceptor({ clients: ['backup'] }), new TimeoutInterceptor({ timeoutMs: 20_000 })]
 * ```
 */
export class TimeoutInterceptor {
  static {
    brand(this, 'class:TimeoutInterceptor');
  }

  readonly #policy: TimeoutPolicy;
  readonly #timeoutMs: number;

  // Not @Injectable(): Nest would try to resolve the options, and the mocker of a test would invent some.
  constructor(options: TimeoutOptions = {}) {
    const check = checkerFor('TimeoutInterceptor', options, OPTIONS);
    const { timeoutMs = 60_000 } = options;
    check(isTimeoutMs(timeoutMs), TIMEOUT_RULE);
    this.#timeoutMs = timeoutMs;
    const { timeout, TimeoutStrategy } = packages.cockatiel();
    this.#policy = timeout(timeoutMs, TimeoutStrategy.Aggressive);
  }

  /** Sends the request, and enforces the timeout. */
  @InterceptModel()
  intercept(
    { observed, streaming }: InterceptedModelCall,
    next: ModelNext,
  ): ReturnType<ModelNext> | AsyncGenerator<LlmChunk | LlmResponse, void, undefined> {
    checkNext('TimeoutInterceptor', next);
    // Its reader is not ours: whether it or the provider is slow is not known.
    if (observed && streaming) return next();
    const stop = new AbortController();
    const given = next(undefined, { signal: stop.signal });
    return given instanceof LlmStream ? this.#watch(given, stop) : this.#inTime(() => given, stop);
  }

  async *#watch(
    stream: LlmStream,
    stop: AbortController,
  ): AsyncGenerator<LlmChunk | LlmResponse, void, undefined> {
    const reader = stream[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.#inTime(() => reader.next(), stop);
        if (done) break;
        yield value;
      }
      yield await stream.response;
    } finally {
      await reader.return?.();
    }
  }

  async #inTime<T>(work: () => PromiseLike<T>, stop: AbortController): Promise<T> {
    try {
      return await this.#policy.execute(work);
    } catch (error) {
      if (!(error instanceof packages.cockatiel().TaskCancelledError)) throw error;
      const late = new LlmTimeoutError(
        `The provider was silent for longer than the timeoutMs of ${this.#timeoutMs}.`,
        { cause: error },
      );
      stop.abort(late);
      throw late;
    }
  }
}
