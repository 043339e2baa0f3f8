import type { LlmChunk, LlmResponse } from '../../types/llm.js';
import type { Answer } from './provider-result.js';

/** Where a stream's items come from; those over an SDK also give what has arrived without a promise an item. */
export type ItemSource = AsyncIterator<unknown> & { take?(): unknown };

/** What a stream reads: a call, or the way from an interceptor's `next` to the provider. */
export interface Streamed {
  /** Goes first. What is returned is to be awaited. */
  begin(): void | Promise<void>;
  /** Opens the source, of chunks and the answer as the last item, and has it read for the first time where it belongs. */
  open(read: (source: ItemSource) => void): void;
  /** Lets its reader know of an abort, now or later. */
  whenAborted(listener: (reason: unknown) => void): void;
  /** Notes a chunk that arrived at `timestamp`; what is returned is to be awaited before it is handed over. */
  chunk(chunk: LlmChunk, timestamp: number): void | Promise<void>;
  /** The last item, checked. */
  check(item: unknown): Answer;
  /** Ends it well. */
  conclude(answer: Answer): Promise<LlmResponse>;
  /** What the source threw, as the reader is to get it. */
  sourceError(thrown: unknown): Error;
  /** Ends it as it was stopped: well, where its reader left, else it rejects with the first cause. */
  breakOff(error: unknown): Promise<LlmResponse>;
  /** The source is given up; nobody waits for what it still has to do. */
  releasing(done: Promise<void>): void;
  abort(reason: Error): void;
  /** Its reader stopped reading. */
  cancel(): void;
  /** Settles when it has ended. */
  readonly closed: Promise<void>;
}
