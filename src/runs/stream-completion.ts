import { defer, type Deferred } from '../util/promises.js';

/** The method by which a managed stream reports its outcome. */
export const ON_COMPLETE: unique symbol = Symbol.for('nestjs-llm-callbacks:when-over');

/** The outcome of a stream; a stream disposed of unread has no result. */
export type StreamOutcome<T> = { readonly result: T | undefined } | { readonly error: unknown };

/** Awaited before the stream's consumer receives the end; its error goes to the consumer. */
export type StreamWatcher<T> = (outcome: StreamOutcome<T>) => void | Promise<void>;

/** A stream of this library, as seen by the run that returns it. */
export interface ManagedStream<T> {
  /** Calls `watcher` once: when the stream has ended, was aborted before it was read, or was disposed of unread. */
  [ON_COMPLETE](watcher: StreamWatcher<T>): void;
  abort(reason?: unknown): void;
}

/** Whether a value is a managed stream. */
export function isManagedStream(value: object): value is ManagedStream<unknown> {
  return ON_COMPLETE in value;
}

/** The watchers of one stream's end; the innermost run first. */
export class StreamWatchers<T> {
  readonly #over: Deferred<void> = defer();
  #watchers: StreamWatcher<T>[] = [];
  #notified: StreamOutcome<T> | undefined;

  /** Settles when all watchers have been notified. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Adds a watcher; after the end, it is notified immediately. */
  add(watcher: StreamWatcher<T>): void {
    this.#watchers.push(watcher);
    if (this.#notified !== undefined) void this.notify(this.#notified);
  }

  /** Notifies the remaining watchers of the outcome; returns the outcome for the consumer. */
  async notify<O extends StreamOutcome<T>>(outcome: O): Promise<O | { readonly error: unknown }> {
    let settled: O | { readonly error: unknown } = outcome;
    this.#notified ??= outcome;
    for (const watcher of this.#watchers.splice(0)) {
      try {
        await watcher(settled);
      } catch (error) {
        settled = { error };
      }
    }
    this.#over.resolve();
    return settled;
  }
}
