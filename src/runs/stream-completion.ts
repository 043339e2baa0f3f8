import { defer, type Deferred } from '../util/deferred.js';

/** Where a stream of ours tells how it came out. */
export const ON_COMPLETE: unique symbol = Symbol.for('nestjs-llm-callbacks:when-over');

/** How a stream came out; one that was disposed of unread has no result. */
export type StreamOutcome<T> = { readonly result: T | undefined } | { readonly error: unknown };

/** Is waited for before the stream's reader learns of its end; what it throws, the reader gets. */
export type StreamWatcher<T> = (outcome: StreamOutcome<T>) => void | Promise<void>;

/** A stream of ours, as the run sees it that it is the result of. */
export interface ManagedStream<T> {
  /** Has `watcher` called once: when the stream has ended, was aborted before it was read, or was disposed of unread. */
  [ON_COMPLETE](watcher: StreamWatcher<T>): void;
  abort(reason?: unknown): void;
}

/** Whether a value is a stream of ours. */
export function isManagedStream(value: object): value is ManagedStream<unknown> {
  return ON_COMPLETE in value;
}

/** Those who wait for the end of one stream; the innermost run first. */
export class StreamWatchers<T> {
  readonly #over: Deferred<void> = defer();
  #watchers: StreamWatcher<T>[] = [];
  #notified: StreamOutcome<T> | undefined;

  /** Settles when all of them know of the end. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Whoever comes after the end is told at once. */
  add(watcher: StreamWatcher<T>): void {
    this.#watchers.push(watcher);
    if (this.#notified !== undefined) void this.notify(this.#notified);
  }

  /** Tells the outcome to those who do not know it; gives the one that the reader is to learn. */
  async notify<O extends StreamOutcome<T>>(outcome: O): Promise<O | { readonly error: unknown }> {
    let told: O | { readonly error: unknown } = outcome;
    this.#notified ??= outcome;
    for (const watcher of this.#watchers.splice(0)) {
      try {
        await watcher(told);
      } catch (error) {
        told = { error };
      }
    }
    this.#over.resolve();
    return told;
  }
}
