import type { MessageEvent } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { brand } from '../util/brand.js';
import { ON_COMPLETE, type ManagedStream, type StreamWatcher } from '../runs/cold-stream.js';
import type { EventSourceRequest } from '../runs/request-context.js';
import type { AnswerSchema } from '../schema/answer-schema.js';
import type { LlmChunk, LlmResponse, StructuredResponse } from '../types/llm.js';
import { type Streamed, StreamReader } from './call/stream-reader.js';
import {
  type DeepPartial,
  observe,
  partialObjectsOf,
  textOf,
  toEventStream,
  type ToSseOptions,
} from './call/partial-json.js';

/** Where a stream is sent from as events. @internal */
export interface SsePlace {
  /** The inbound request of the surrounding `@Sse()` handler. */
  readonly eventSource: EventSourceRequest | undefined;
}

/**
 * A streamed answer. Cold: nothing is sent, and no event is emitted, before it is read by `for await`, `.textStream`,
 * `.toObservable()` or `.response`. It has one consumer; `.response` does not count as one.
 *
 * Breaking out of the loop aborts the provider's request and ends the run with `finishReason: 'cancelled'`.
 *
 * @example
 * ```ts
 * const stream = llm.stream('Tell me a story');
 * for await (const text of stream.textStream) process.stdout.write(text);
 * const { usage, cost } = await stream.response;
 * ```
 */
export class LlmStream<T = unknown>
  implements AsyncIterable<LlmChunk>, AsyncDisposable, ManagedStream<LlmResponse>
{
  static {
    brand(this, 'class:LlmStream');
  }

  readonly #reader: StreamReader;
  readonly #schema: AnswerSchema | undefined;
  readonly #place: SsePlace | undefined;

  /** @internal created by `LlmService.stream()`; an error is thrown when the stream is read. */
  constructor(streamed: Streamed | Error, schema?: AnswerSchema, place?: SsePlace) {
    this.#reader = new StreamReader(streamed);
    this.#schema = schema;
    this.#place = place;
  }

  /** @throws CallbacksConfigurationError for a second consumer */
  [Symbol.asyncIterator](): AsyncIterableIterator<LlmChunk, undefined> {
    return this.#reader.open();
  }

  /** The text alone, piece by piece. Reads the stream. */
  get textStream(): AsyncIterable<string> {
    return textOf(this);
  }

  /**
   * The growing answer to a call with a `schema`: each state of the JSON value once. Reads the stream.
   *
   * The values are what the model has written so far, unchecked and before defaults and transforms; the checked value
   * is `(await stream.response).object`. Long answers are parsed less often: each time they have grown by a
   * thirty-second.
   *
   * @example
   * ```ts
   * const stream = llm.stream('Three cities of Japan?', { schema: z.object({ cities: z.array(z.string()) }) });
   * for await (const { cities = [] } of stream.partialObjects) console.log(cities.length);
   * const { object } = await stream.response;
   * ```
   */
  get partialObjects(): AsyncIterable<DeepPartial<T>> {
    const isWrapped = this.#schema?.isWrapped ?? false;
    return partialObjectsOf(this, isWrapped) as AsyncIterable<DeepPartial<T>>;
  }

  /**
   * The complete answer, once the stream has ended; rejects when it fails. May be taken before, during or after
   * reading. If nobody has begun to read by the next macrotask, it reads the stream itself.
   */
  get response(): Promise<StructuredResponse<T>> {
    // The call's schema, which produced the object, has type T.
    return this.#reader.result as Promise<StructuredResponse<T>>;
  }

  /**
   * Ends the stream with an `LlmAbortedError` whose cause is `reason`; a stream that was not started fails when read.
   */
  abort(reason?: unknown): void {
    this.#reader.abort(reason);
  }

  /** The chunks as an Observable. Subscribing reads the stream; unsubscribing cancels it. */
  toObservable(): Observable<LlmChunk> {
    return observe(this);
  }

  /**
   * The stream as server-sent events, for a handler with `@Sse()`: one event per chunk with the chunk as its data, then
   * `done` (`{ finishReason, usage, cost }`) or `failed` (the body that `CallbacksExceptionFilter` writes, whether it
   * is used or not). Subscribing reads the stream; a client that disconnects cancels the request.
   *
   * An `EventSource` reconnects whenever a stream ends. The reconnect is answered with status 204, which stops the
   * `EventSource`, and no model is called.
   *
   * @example
   * ```ts
   * export class StoriesController {
   *   constructor(private readonly llm: LlmService) {}
   *
   *   // With @Sse('stories'):
   *   write(@Query('about') about: string) {
   *     return this.llm.stream(`A story about ${about}`).toSse();
   *   }
   * }
   * ```
   */
  toSse(options?: ToSseOptions): Observable<MessageEvent> {
    const outcome = async () => {
      const { finishReason, usage, cost } = await this.#reader.result;
      return { finishReason, usage, cost };
    };
    const request = this.#place?.eventSource;
    return toEventStream({ items: this, toMessage, outcome }, request, options);
  }

  /** @internal the reader behind a stream */
  static readerOf(stream: LlmStream): StreamReader | undefined {
    return #reader in stream ? stream.#reader : undefined;
  }

  /**
   * Calls `watcher` once, when the stream has ended, was aborted before it was read, or was disposed of unread. It is
   * awaited before the consumer receives the end, and its error goes to the consumer. An interceptor that returns the
   * stream of its `next` unchanged can so clean up after it, without reading it.
   *
   * @param watcher receives `{ result }` or `{ error }`; `result` is `undefined` for a stream that nobody has read
   *
   * @example
   * ```ts
   * class Timed { @InterceptLlm() time(call: InterceptedLlmCall, next: LlmNext) {
   *   const since = performance.now();
   *   const stream = next() as LlmStream;
   *   stream.onComplete(() => this.record(performance.now() - since));
   *   return stream;
   * } }
   * ```
   */
  onComplete(watcher: StreamWatcher<LlmResponse>): void {
    this.#reader.onComplete(watcher);
  }

  /** @internal for a run that returns this stream */
  [ON_COMPLETE](watcher: StreamWatcher<LlmResponse>): void {
    this.#reader.onComplete(watcher);
  }

  /** Stops reading; a stream that was not started never will be. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.dispose();
  }
}

function toMessage(chunk: LlmChunk): MessageEvent {
  return { data: chunk };
}
