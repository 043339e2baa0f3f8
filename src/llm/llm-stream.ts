import type { Observable } from 'rxjs';
import type { LlmChunk, LlmResponse } from '../shapes/index.js';
import type { LlmCall } from './llm-call.js';
import { StreamReading } from './stream-reading.js';
import { observe, textOf } from './stream-views.js';

/**
 * A streamed answer. Cold: nothing is sent, and no event is told, before it is read, by `for await`, `.textStream`,
 * `.toObservable()` or `.response`. It has one reader; `.response` is none.
 *
 * Stopping to read (`break`) aborts the provider's request and ends the run with `finishReason: 'cancelled'`.
 *
 * @example
 * ```ts
 * const stream = llm.stream('Tell me a story');
 * for await (const text of stream.textStream) process.stdout.write(text);
 * const { usage, cost } = await stream.response;
 * ```
 */
export class LlmStream implements AsyncIterable<LlmChunk>, AsyncDisposable {
  readonly #reading: StreamReading;

  /** @internal made by `LlmService.stream()`; an error is thrown when the stream is read. */
  constructor(call: LlmCall | Error) {
    this.#reading = new StreamReading(call);
  }

  /** @throws CallbacksConfigurationError for a second reader */
  [Symbol.asyncIterator](): AsyncIterableIterator<LlmChunk, undefined> {
    return this.#reading.open();
  }

  /** The text alone, piece by piece. Reads the stream. */
  get textStream(): AsyncIterable<string> {
    return textOf(this);
  }

  /**
   * The whole answer, once the stream has ended; rejects when it fails. May be taken before, during or after reading.
   * If nobody has begun to read by the next macrotask, it reads the stream itself.
   */
  get response(): Promise<LlmResponse> {
    return this.#reading.response;
  }

  /** Ends the stream in an `LlmAbortedError` with `reason` as its cause; a stream that was not begun fails when read. */
  abort(reason?: unknown): void {
    this.#reading.abort(reason);
  }

  /** The chunks as an Observable, which reads when it is subscribed; unsubscribing is stopping to read. */
  toObservable(): Observable<LlmChunk> {
    return observe(this);
  }

  /** Stops reading; a stream that was not begun never will be. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reading.stop();
  }
}
