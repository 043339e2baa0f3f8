import { defer } from '../../util/promises.js';
import { shadow } from '../context-iterable.js';
import type { TracedRun } from '../traced-run.js';
import { endAs, endUnread } from './ending.js';

type Read = Promise<IteratorResult<unknown>>;
type Reader = AsyncIterator<unknown> & Partial<AsyncDisposable>;

/**
 * Ends the run with the next iteration of `iterable`; later iterations behave as before. The same object may be
 * returned again later.
 */
export function watchIterable(work: TracedRun<unknown>, iterable: AsyncIterable<unknown>): void {
  const { run } = work;
  const onAbort = (error: unknown): void => void endUnread(work, { error });
  const restore = shadow(iterable, Symbol.asyncIterator, (open) => {
    restore();
    run.offAbort(onAbort);
    try {
      const reader = run.inside(open) as AsyncIterator<unknown>;
      if (Object.isExtensible(reader)) watchReader(work, reader);
      else void endUnread(work, { result: undefined });
      return reader;
    } catch (error) {
      return work.completeNow({ error });
    }
  });
  shadow(iterable, Symbol.asyncDispose, async (dispose) => {
    try {
      await run.inside(dispose);
    } finally {
      await endUnread(work, { result: undefined });
    }
  });
  run.onAbort(onAbort);
}

/** Runs each read inside the run; the last one ends it. */
export function watchReader(work: TracedRun<unknown>, reader: Reader): void {
  const reading = new Reading(work, reader.return?.bind(reader));
  shadow(reader, 'next', (next) => reading.read(next as () => Read));
  shadow(reader, 'return', (stop) => reading.readLast(stop as () => Read), ended);
  shadow(reader, 'throw', (refuse) => reading.read(refuse as () => Read));
}

/** Wraps the reads of an iterator. */
class Reading {
  /** Rejects consumers that wait for an item. */
  readonly #waiting = new Set<(reason: unknown) => void>();
  #cutOff: { readonly reason: unknown } | undefined;

  constructor(
    private readonly work: TracedRun<unknown>,
    private readonly release: (() => Read) | undefined,
  ) {
    // Reject reads if the run was aborted before the first read, unless it has already ended.
    if (work.run.aborted) this.#cutOff = { reason: work.run.reason };
    work.run.onAbort((reason) => void this.#abort(reason));
  }

  async read(next: () => Read): Read {
    return this.#pass(next, false);
  }

  /** Stopping the iteration ends the stream, even if the iterator has more items. */
  async readLast(stop: () => Read): Read {
    return this.#pass(stop, true);
  }

  async #pass(call: () => Read, isLast: boolean): Read {
    const { work } = this;
    if (work.starting) await work.starting;
    if (this.#cutOff) throw this.#cutOff.reason;
    if (work.run.ended) return work.run.inside(call);
    let item: IteratorResult<unknown>;
    try {
      item = await this.#unlessAborted(work.run.inside(call));
    } catch (error) {
      await endAs(work, { error });
      throw error;
    }
    if (item.done || isLast) await endAs(work, { result: undefined });
    return item;
  }

  async #unlessAborted<T>(reading: T | PromiseLike<T>): Promise<T> {
    const { promise, reject } = defer<never>();
    this.#waiting.add(reject);
    try {
      return await Promise.race([reading, promise]);
    } finally {
      this.#waiting.delete(reject);
    }
  }

  async #abort(reason: unknown): Promise<void> {
    if (this.work.run.ended) return;
    this.#cutOff = { reason };
    const { release } = this;
    // Releases the iterator; its result is ignored.
    if (release) this.work.run.inside(async () => release()).catch(() => undefined);
    await endUnread(this.work, { error: reason });
    for (const reject of this.#waiting) reject(reason);
  }
}

/** The result of `return()` for an iterator that does not implement it. */
async function ended(value?: unknown): Read {
  return { done: true, value };
}
