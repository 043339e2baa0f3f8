import { setImmediate } from 'node:timers';
import { LlmAbortedError } from '../errors/llm-errors.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { defer, type Deferred } from '../util/promises.js';

/** The method by which a managed stream reports its outcome. */
export const ON_COMPLETE: unique symbol = Symbol.for('nestjs-llm-callbacks:when-over');

/** The outcome of a stream; a stream disposed of unread has no result. */
export type StreamOutcome<R> = Outcome<R | undefined>;

/** Awaited before the stream's consumer receives the end; its error goes to the consumer. */
export type StreamWatcher<R> = (outcome: StreamOutcome<R>) => void | Promise<void>;

/** A stream of this library, as seen by the run that returns it. */
export interface ManagedStream<R> {
  /** Calls `watcher` once: when the stream has ended, was aborted before it was read, or was disposed of unread. */
  [ON_COMPLETE](watcher: StreamWatcher<R>): void;
  abort(reason?: unknown): void;
}

/** Whether a value is a managed stream. */
export function isManagedStream(value: object): value is ManagedStream<unknown> {
  return ON_COMPLETE in value;
}

/** The names of a kind of stream in its messages. */
interface StreamWords {
  /** The stream: `'stream'`, `'stream of the agent'`. */
  readonly stream: string;
  /** What is aborted: `'stream'`, `'agent'`. */
  readonly subject: string;
  /** What the stream ends with: `'answer'`, `'result'`. */
  readonly result: string;
  /** All of it: `'whole answer'`. */
  readonly whole: string;
  /** The property that has it. */
  readonly property: string;
}

/** How a run or a stream ends: with its result, or with what was thrown. */
export type Outcome<R> = { readonly result: R } | { readonly error: unknown };

/**
 * A stream that starts when it is read: by its one consumer, or for its result alone. It ends once: its watchers are
 * notified, the innermost run first, then its result is settled, then its consumer receives the end.
 *
 * @typeParam T its items
 * @typeParam R its result
 */
export abstract class ColdStream<T, R> {
  readonly #words: StreamWords;
  // Fields, because they are read for every item.
  /** Whether it was started. */
  isStarted = false;
  /** Whether it has a consumer; otherwise it is read for its result alone. */
  isRead = false;
  /** Whether nothing more is read. */
  isOver = false;
  #result: Deferred<R> | undefined;
  #settled: Outcome<R> | undefined;
  #watchers: StreamWatcher<R>[] | undefined;
  #notified: StreamOutcome<R> | undefined;
  #closed: Deferred<void> | undefined;

  /** @param mistake why it cannot be started: thrown when it is read */
  constructor(
    words: StreamWords,
    private readonly mistake?: Error,
  ) {
    this.#words = words;
  }

  /** Starts what is read. Called once, by the first read. */
  protected abstract start(): void | Promise<void>;
  /** The next item for the consumer. The stream was started. */
  protected abstract pull(): Promise<IteratorResult<T, undefined>>;
  /** Delivers the end to a consumer that waits. */
  protected abstract deliverEnd(settled: Outcome<R>): void;
  /** Aborts what is read. */
  protected abstract stop(error: Error): void;
  /** The consumer stopped reading; waits for the end of what was read, if there is one. */
  protected abstract leave(): void | Promise<void>;

  /** How it ended; `undefined` until its watchers have been notified. */
  protected get settled(): Outcome<R> | undefined {
    return this.#settled;
  }

  /**
   * Opens the one consumer's iterator.
   *
   * @throws CallbacksConfigurationError for a second consumer
   */
  open(): AsyncIterableIterator<T, undefined> {
    this.claim();
    const reader: AsyncIterableIterator<T, undefined> = {
      next: () => {
        if (!this.isStarted) this.#start();
        return this.pull();
      },
      return: async () => {
        await this.dispose();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => reader,
    };
    return reader;
  }

  /** The result; it is read for its result alone if nobody has begun to read by the next macrotask. */
  get result(): Promise<R> {
    if (this.#result === undefined) {
      this.#expectResult();
      if (this.#settled) this.#settleResult(this.#settled);
      else if (!this.isRead) {
        setImmediate(() => {
          if (!this.isRead && !this.isStarted && !this.isOver) this.#start();
        });
      }
    }
    return this.#result!.promise;
  }

  /** Starts it now, for its result alone: it will have no consumer. */
  readNow(): Promise<R> {
    const { promise } = this.#expectResult();
    this.#start();
    return promise;
  }

  #expectResult(): Deferred<R> {
    const result = (this.#result = defer<R>());
    // The consumer of the stream gets the error there.
    result.promise.catch(() => undefined);
    return result;
  }

  /** Ends it with an `LlmAbortedError` with `reason` as its cause; a stream that was not started fails when read. */
  abort(reason?: unknown): void {
    if (this.isOver) return;
    const message = `The ${this.#words.subject} was aborted.`;
    const error = this.mistake ?? new LlmAbortedError(message, { cause: reason });
    if (this.mistake === undefined) this.stop(error);
    if (!this.isStarted) void this.#notify({ error });
  }

  /** Calls `watcher` once, when the stream has ended or will never be read. */
  onComplete(watcher: StreamWatcher<R>): void {
    (this.#watchers ??= []).push(watcher);
    const outcome = this.#notified ?? this.#settled;
    if (outcome !== undefined) void this.#notify(outcome);
  }

  /** Stops reading; a stream that was not started never will be. */
  async dispose(): Promise<void> {
    if (this.isStarted) {
      await this.leave();
      if (this.#settled === undefined) await (this.#closed ??= defer()).promise;
      return;
    }
    if (this.isOver) return;
    this.isOver = true;
    const { result } = this.#words;
    const message = `The stream was disposed of before it was read, so there is no ${result}.`;
    this.#settle({ error: new LlmAbortedError(message) });
    await this.#notify({ result: undefined });
  }

  /** Takes the place of its one consumer. */
  protected claim(): void {
    if (this.isRead || this.isStarted) {
      const { stream, whole, property } = this.#words;
      throw new CallbacksConfigurationError(
        `The ${stream} has a reader already: a stream is read once. For the ${whole} beside it, await stream.${property}.`,
      );
    }
    this.isRead = true;
  }

  /** Lets another stream read in its place: it has a consumer and is started from now on. */
  protected startElsewhere(): void {
    this.claim();
    this.isStarted = true;
  }

  #start(): void {
    this.isStarted = true;
    if (this.mistake !== undefined) void this.conclude({ error: this.mistake });
    else if (!this.isOver) void this.start();
  }

  /** Ends it; its consumer learns of it after the watchers. Returns what the consumer gets. */
  protected conclude(outcome: Outcome<R>): Outcome<R> | Promise<Outcome<R>> {
    this.isOver = true;
    if (this.#watchers === undefined) return this.#settle(outcome);
    return this.#notify(outcome).then((settled) => this.#settle(settled as Outcome<R>));
  }

  #settle(settled: Outcome<R>): Outcome<R> {
    this.#settled = settled;
    this.#closed?.resolve();
    if (this.#result) this.#settleResult(settled);
    this.deliverEnd(settled);
    return settled;
  }

  #settleResult(settled: Outcome<R>): void {
    if ('error' in settled) this.#result?.reject(settled.error);
    else this.#result?.resolve(settled.result);
  }

  /** Notifies the remaining watchers; returns the outcome for the consumer. */
  async #notify(outcome: StreamOutcome<R>): Promise<StreamOutcome<R>> {
    let settled = outcome;
    this.#notified ??= outcome;
    for (const watcher of this.#watchers?.splice(0) ?? []) {
      try {
        await watcher(settled);
      } catch (error) {
        settled = { error };
      }
    }
    return settled;
  }
}
