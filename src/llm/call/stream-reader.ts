import { LlmResponseError } from '../../errors/llm-errors.js';
import { ColdStream, type Outcome } from '../../runs/cold-stream.js';
import type { LlmChunk, LlmResponse } from '../../types/llm.js';
import { defer, type Deferred } from '../../util/promises.js';
import type { ResponseAccumulator } from './metering.js';
import { type Answer, isChunk } from './response.js';

/** Where a stream's items come from; SDK sources also return items that have arrived without a promise per item. */
export type ItemSource = AsyncIterator<unknown> & { take?(): unknown };

/** What a stream reads: a call, or the chain from an interceptor's `next` to the provider. */
export interface Streamed {
  /** The call that it belongs to. */
  readonly call: object;
  /** Whether it is the stream of an interceptor's `next`: it can be read in another stream's place. */
  readonly isLink: boolean;
  /** Runs first. Await the returned value. */
  start(): void | Promise<void>;
  /** Opens the source, of chunks with the answer as the last item, and lets `reader` read it in the right context. */
  open(reader: StreamReader): void | Promise<void>;
  /** Notifies the reader of an abort, now or later. */
  onAbort(listener: (reason: unknown) => void): void;
  /** Whether its consumer, or that of the stream that it is read in place of, stopped reading. */
  readonly isCancelled: boolean;
  /** Lets another stream's reader read it. */
  passIn(outer: Streamed): void;
  /** Takes over what a request to a provider accumulates, in place of its own. */
  follow(arrivals: ResponseAccumulator): void;
  /** Records a chunk that arrived at `timestamp`; await the returned value before it is handed over. */
  chunk(chunk: LlmChunk, timestamp: number): void | Promise<void>;
  /** Checks the last item. */
  check(item: unknown): Answer;
  /** Completes it. */
  conclude(answer: Answer): Promise<LlmResponse>;
  /** What the source threw, as the consumer receives it. */
  sourceError(thrown: unknown): Error;
  /** Ends it after a stop: it completes if its consumer cancelled it, otherwise it rejects with the first cause. */
  breakOff(error: unknown): Promise<LlmResponse>;
  /** Keeps the call open for the cleanup of interceptors. */
  holdOpen(cleanup: Promise<void>): void;
  abort(reason: Error): void;
  /** The consumer stopped reading. */
  cancel(): void;
  /** Settles when it has ended. */
  readonly closed: Promise<void>;
}

type Next = IteratorResult<LlmChunk, undefined>;
type End = { readonly answer: Answer } | { readonly error: unknown };

const DONE: Next = { done: true, value: undefined };
const WORDS = {
  stream: 'stream',
  subject: 'stream',
  result: 'answer',
  whole: 'whole answer',
  property: 'response',
};

/**
 * Reads a stream: from its first read, through chunks that are dispatched and handed over, to its one end.
 *
 * Streams that interceptors returned unchanged are passed through: this reader takes the chunks from the innermost
 * source itself, and ends those streams, the innermost first, before its own.
 */
export class StreamReader extends ColdStream<LlmChunk, LlmResponse> {
  readonly #streamed: Streamed | Error;
  /** The streams that are passed through, outermost first. */
  readonly #passed: StreamReader[] = [];
  #source: ItemSource | undefined;
  /** Whether the source is a provider's, and not what an interceptor returned. */
  #isProviders = false;
  #arrivedAt = 0;
  #waiting: Deferred<Next> | undefined;
  /** Whether the consumer has received the end of the stream. */
  #isDelivered = false;

  constructor(streamed: Streamed | Error) {
    super(WORDS, streamed instanceof Error ? streamed : undefined);
    this.#streamed = streamed;
  }

  /** Reads a source. `arrivals` is what the request to a provider accumulates, if the source is a provider's. */
  read(source: ItemSource, arrivals?: ResponseAccumulator): void {
    if (this.isOver) {
      void release(source);
      return;
    }
    this.#source = source;
    this.#arrivedAt = Date.now();
    if (arrivals !== undefined) {
      this.#isProviders = true;
      for (const reader of [this, ...this.#passed]) reader.#reading.follow(arrivals);
    }
    this.#deliver(this.#take(source));
  }

  /** Whether a stream that an interceptor returned can be passed through: it is a `next` of this call, and unread. */
  canPass(inner: StreamReader): boolean {
    if (inner.isRead || inner.isStarted || inner.isOver) return false;
    const { call, isLink } = inner.#reading;
    return isLink && call === this.#reading.call;
  }

  /** Passes an unread stream through: reads in its place. */
  async pass(inner: StreamReader): Promise<void> {
    if (this.isOver) return inner.dispose();
    inner.startElsewhere();
    this.#passed.push(inner);
    const link = inner.#reading;
    link.passIn(this.#reading);
    await link.start();
    link.onAbort(this.#onFailure);
    if (!this.isOver) await link.open(this);
  }

  override dispose(): Promise<void> {
    this.#isDelivered = true;
    return super.dispose();
  }

  protected async start(): Promise<void> {
    const streamed = this.#reading;
    try {
      await streamed.start();
      streamed.onAbort(this.#onFailure);
      if (this.isOver) return;
    } catch (error) {
      this.#onFailure(error);
      return;
    }
    try {
      const opening = streamed.open(this);
      if (opening === undefined) return;
      streamed.holdOpen(opening);
      await opening;
    } catch (error) {
      this.#onSourceFailure(error);
    }
  }

  protected pull(): Promise<Next> {
    // A second next() waits until the first has settled, as with generators.
    if (this.#waiting) return this.#waiting.promise.then(this.#pullInTurn, this.#pullInTurn);
    const chunk = this.#source && this.#take(this.#source);
    if (chunk) return Promise.resolve({ done: false, value: chunk });
    const waiting = (this.#waiting = defer<Next>());
    if (this.settled) this.deliverEnd(this.settled);
    return waiting.promise;
  }

  /** An error is delivered once, whenever it occurred. */
  protected deliverEnd(settled: Outcome<LlmResponse>): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    if ('error' in settled && !this.#isDelivered) waiting.reject(settled.error);
    else waiting.resolve(DONE);
    this.#isDelivered = true;
  }

  protected stop(error: Error): void {
    this.#reading.abort(error);
  }

  protected async leave(): Promise<void> {
    if (this.#streamed instanceof Error) return;
    this.#streamed.cancel();
    await this.#streamed.closed;
  }

  get #reading(): Streamed {
    return this.#streamed as Streamed;
  }

  readonly #pullInTurn = (): Promise<Next> => this.pull();

  /** Takes what has arrived; returns a chunk that may be handed over, or schedules its delivery. */
  #take(source: ItemSource): LlmChunk | undefined {
    try {
      while (!this.isOver) {
        const item = source.take?.();
        if (item === undefined) {
          source.next().then(this.#onItem, this.#onSourceFailure);
          return undefined;
        }
        const chunk = this.#accept(item);
        if (chunk === undefined || this.isRead) return chunk;
      }
    } catch (error) {
      this.#onSourceFailure(error);
    }
    return undefined;
  }

  readonly #onItem = (item: IteratorResult<unknown>): void => {
    if (this.isOver) return;
    this.#arrivedAt = Date.now();
    if (!item.done) return this.#deliver(this.#accept(item.value));
    this.#onFailure(new LlmResponseError('The provider’s stream ended without a result.'));
  };

  /** Dispatches a chunk, or ends the stream with its result. Returns the chunk if its handlers need not be awaited. */
  #accept(item: unknown): LlmChunk | undefined {
    try {
      if (!isChunk(item)) {
        this.#end({ answer: (this.#passed.at(-1) ?? this).#reading.check(item) });
        return undefined;
      }
      const dispatching = this.#reading.chunk(item, this.#arrivedAt);
      if (dispatching === undefined) return item;
      dispatching.then(() => this.#deliver(item), this.#onFailure);
    } catch (error) {
      this.#onFailure(error);
    }
    return undefined;
  }

  #deliver(chunk: LlmChunk | undefined): void {
    if (this.isOver || chunk === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.resolve({ done: false, value: chunk });
    else if (!this.isRead && this.#source) this.#take(this.#source);
  }

  readonly #onSourceFailure = (error: unknown): void => {
    if (!this.isOver) this.#onFailure(this.#reading.sourceError(error));
  };

  readonly #onFailure = (error: unknown): void => {
    if (this.isOver) return;
    this.isOver = true;
    if (this.#source !== undefined) {
      const releasing = release(this.#source);
      // A provider is not awaited; interceptors may have cleanup to do. Before the end event, whose dispatch must know
      // what is still to be awaited.
      if (!this.#isProviders) this.#reading.holdOpen(releasing);
    }
    this.#end({ error });
  };

  /** Ends the stream; its consumer learns of it after the terminal event was dispatched. */
  #end(end: End): void {
    this.isOver = true;
    const ending = this.#passed.length === 0 ? endOne(this.#reading, end) : this.#endPassed(end);
    ending.then(
      (result) => this.conclude({ result }),
      (error: unknown) => this.conclude({ error }),
    );
  }

  /** Ends the streams that were passed through, then this one. */
  async #endPassed(end: End): Promise<LlmResponse> {
    let current = end;
    for (const inner of this.#passed.toReversed()) {
      const settled = await inner.#endInPlace(current);
      // A stop ends all of them, also those that it leaves with what has arrived.
      if ('error' in settled) current = settled;
      else if ('answer' in current) current = { answer: settled.result };
    }
    return endOne(this.#reading, current);
  }

  async #endInPlace(end: End): Promise<Outcome<LlmResponse>> {
    try {
      return await this.conclude({ result: await endOne(this.#reading, end) });
    } catch (error) {
      return this.conclude({ error });
    }
  }
}

function endOne(streamed: Streamed, end: End): Promise<LlmResponse> {
  return 'error' in end ? streamed.breakOff(end.error) : streamed.conclude(end.answer);
}

/** A source may have cleanup to do; its outcome is ignored. */
async function release(source: ItemSource): Promise<void> {
  try {
    await source.return?.();
  } catch {
    return;
  }
}
