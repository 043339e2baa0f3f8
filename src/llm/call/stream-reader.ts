import { setImmediate } from 'node:timers';
import { CallbacksConfigurationError } from '../../errors/callbacks-error.js';
import { LlmAbortedError, LlmResponseError } from '../../errors/llm-errors.js';
import { type StreamWatcher, StreamWatchers } from '../../runs/stream-completion.js';
import type { LlmChunk, LlmResponse } from '../../types/llm.js';
import { defer, type Deferred } from '../../util/promises.js';
import { isChunk } from './response.js';
import type { ItemSource, Streamed } from './streamed.js';

type Outcome = { readonly result: LlmResponse } | { readonly error: unknown };
type Next = IteratorResult<LlmChunk, undefined>;
const DONE: Next = { done: true, value: undefined };

/** Reads a stream: from its first read, through chunks that are dispatched and handed over, to its one end. */
export class StreamReading {
  readonly #streamed: Streamed | Error;
  #source: ItemSource | undefined;
  #begun = false;
  #over = false;
  /** Whether there is a consumer; otherwise chunks are for `.response` alone. */
  #isRead = false;
  #arrivedAt = 0;
  #waiting: Deferred<Next> | undefined;
  #response: Deferred<LlmResponse> | undefined;
  #outcome: Outcome | undefined;
  #watchers: StreamWatchers<LlmResponse> | undefined;
  /** Whether the consumer has received the end of the stream. */
  #isDispatched = false;

  constructor(streamed: Streamed | Error) {
    this.#streamed = streamed;
  }

  /** Opens the one consumer's iterator. */
  open(): AsyncIterableIterator<LlmChunk, undefined> {
    if (this.#isRead || this.#begun) {
      throw new CallbacksConfigurationError(
        'The stream has a reader already: a stream is read once. For the whole answer beside it, await stream.response.',
      );
    }
    this.#isRead = true;
    const reader: AsyncIterableIterator<LlmChunk, undefined> = {
      next: () => this.#next(),
      return: async () => {
        await this.stop();
        return DONE;
      },
      [Symbol.asyncIterator]: () => reader,
    };
    return reader;
  }

  /** Settles when the stream has ended; reads the stream if nobody has begun to by the next macrotask. */
  get response(): Promise<LlmResponse> {
    if (this.#response === undefined) {
      this.#response = defer();
      // The consumer of the stream gets the error there.
      this.#response.promise.catch(() => undefined);
      if (this.#outcome) this.#settle(this.#outcome);
      else if (!this.#isRead) setImmediate(() => void this.#drain());
    }
    return this.#response.promise;
  }

  abort(reason?: unknown): void {
    const streamed = this.#streamed;
    const isMistake = streamed instanceof Error;
    const error = isMistake
      ? streamed
      : new LlmAbortedError('The stream was aborted.', { cause: reason });
    if (!isMistake) streamed.abort(error);
    if (!this.#begun) void this.#watchers?.notify({ error });
  }

  /** Calls `watcher` once, when the stream has ended or will never be read. */
  whenOver(watcher: StreamWatcher<LlmResponse>): void {
    this.#watchers ??= new StreamWatchers();
    this.#watchers.add(watcher);
    if (this.#outcome) void this.#watchers.notify(this.#outcome);
  }

  #next(): Promise<Next> {
    // A second next() waits until the first has settled, as with generators.
    if (this.#waiting) return this.#waiting.promise.then(this.#nextInTurn, this.#nextInTurn);
    const chunk = this.#source && this.#pull(this.#source);
    if (chunk) return Promise.resolve({ done: false, value: chunk });
    const waiting = (this.#waiting = defer<Next>());
    if (this.#outcome) this.#dispatch(this.#outcome);
    else if (!this.#begun) void this.#begin();
    return waiting.promise;
  }

  readonly #nextInTurn = (): Promise<Next> => this.#next();

  async #begin(): Promise<void> {
    this.#begun = true;
    const streamed = this.#streamed;
    if (streamed instanceof Error) return this.#conclude({ error: streamed });
    try {
      await streamed.begin();
      streamed.whenAborted(this.#onFailure);
      if (this.#over) return;
    } catch (error) {
      return this.#onFailure(error);
    }
    try {
      streamed.open((source) => {
        this.#source = source;
        this.#deliver(this.#pull(source));
      });
    } catch (error) {
      this.#onSourceFailure(error);
    }
  }

  /** Takes what has arrived; returns a chunk that may be handed over, or schedules its delivery. */
  #pull(source: ItemSource): LlmChunk | undefined {
    try {
      while (!this.#over) {
        const item = source.take?.();
        if (item === undefined) {
          source.next().then(this.#onItem, this.#onSourceFailure);
          return undefined;
        }
        const chunk = this.#accept(item);
        if (chunk === undefined || this.#isRead) return chunk;
      }
    } catch (error) {
      this.#onSourceFailure(error);
    }
    return undefined;
  }

  readonly #onItem = (item: IteratorResult<unknown>): void => {
    if (this.#over) return;
    this.#arrivedAt = Date.now();
    if (!item.done) return this.#deliver(this.#accept(item.value));
    this.#onFailure(new LlmResponseError('The provider’s stream ended without a result.'));
  };

  /** Dispatches a chunk, or ends the stream with its result. Returns the chunk if its handlers need not be awaited. */
  #accept(item: unknown): LlmChunk | undefined {
    const streamed = this.#streamed as Streamed;
    try {
      if (!isChunk(item)) {
        const answer = streamed.check(item);
        this.#end(() => streamed.conclude(answer));
        return undefined;
      }
      const dispatching = streamed.chunk(item, this.#arrivedAt);
      if (dispatching === undefined) return item;
      dispatching.then(() => this.#deliver(item), this.#onFailure);
    } catch (error) {
      this.#onFailure(error);
    }
    return undefined;
  }

  #deliver(chunk: LlmChunk | undefined): void {
    if (this.#over || chunk === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.resolve({ done: false, value: chunk });
    else if (!this.#isRead && this.#source) this.#pull(this.#source);
  }

  readonly #onSourceFailure = (error: unknown): void => {
    if (!this.#over) this.#onFailure((this.#streamed as Streamed).sourceError(error));
  };

  readonly #onFailure = (error: unknown): void => {
    if (this.#over) return;
    this.#over = true;
    const streamed = this.#streamed as Streamed;
    // Before the end event, whose dispatch must know what is still to be awaited.
    if (this.#source !== undefined) streamed.releasing(this.#release(this.#source));
    this.#end(() => streamed.breakOff(error));
  };

  /** Ends the stream; its consumer learns of it after the terminal event was dispatched. */
  #end(ending: () => Promise<LlmResponse>): void {
    this.#over = true;
    ending().then(
      (result) => this.#conclude({ result }),
      (error: unknown) => this.#conclude({ error }),
    );
  }

  #conclude(outcome: Outcome): void {
    this.#over = true;
    if (this.#watchers === undefined) this.#settleAll(outcome);
    else void this.#watchers.notify(outcome).then((final) => this.#settleAll(final));
  }

  #settleAll(outcome: Outcome): void {
    this.#outcome = outcome;
    if (this.#response) this.#settle(outcome);
    if (this.#waiting) this.#dispatch(outcome);
  }

  /** Delivers the end of the stream to the waiting consumer; an error is delivered once, whenever it occurred. */
  #dispatch(outcome: Outcome): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if ('error' in outcome && !this.#isDispatched) waiting?.reject(outcome.error);
    else waiting?.resolve(DONE);
    this.#isDispatched = true;
  }

  #settle(outcome: Outcome): void {
    if ('error' in outcome) this.#response?.reject(outcome.error);
    else this.#response?.resolve(outcome.result);
  }

  /** Reads for `.response` alone. */
  async #drain(): Promise<void> {
    if (this.#begun || this.#over) return;
    await this.#begin();
  }

  /** Stops reading; a stream that was not started never will be. */
  async stop(): Promise<void> {
    this.#isDispatched = true;
    if (!this.#begun) {
      if (this.#over) return;
      const error = new LlmAbortedError(
        'The stream was disposed of before it was read, so there is no answer.',
      );
      this.#over = true;
      this.#settleAll({ error });
      await this.#watchers?.notify({ result: undefined });
      return;
    }
    if (this.#streamed instanceof Error) return;
    this.#streamed.cancel();
    await this.#streamed.closed;
    await this.#watchers?.over;
  }

  /** The provider's stream may have cleanup to do; it is not awaited and its outcome is ignored. */
  async #release(source: ItemSource): Promise<void> {
    try {
      await source.return?.();
    } catch {
      return;
    }
  }
}
