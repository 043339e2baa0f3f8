import type { LlmChunk, LlmResponse } from '../../types/llm.js';
import type { Answer } from './response.js';

/** Where a stream's items come from; SDK sources also return items that have arrived without a promise per item. */
export type ItemSource = AsyncIterator<unknown> & { take?(): unknown };

/** What a stream reads: a call, or the chain from an interceptor's `next` to the provider. */
export interface Streamed {
  /** Runs first. Await the returned value. */
  begin(): void | Promise<void>;
  /** Opens the source, of chunks with the answer as the last item, and starts reading it in the right context. */
  open(read: (source: ItemSource) => void): void;
  /** Notifies the consumer of an abort, now or later. */
  whenAborted(listener: (reason: unknown) => void): void;
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
  /** The source is given up; its remaining work is not awaited. */
  releasing(done: Promise<void>): void;
  abort(reason: Error): void;
  /** The consumer stopped reading. */
  cancel(): void;
  /** Settles when it has ended. */
  readonly closed: Promise<void>;
}
