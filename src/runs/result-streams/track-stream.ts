import { finished, type Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { isObservable, Observable } from 'rxjs';
import { isReader } from '../context-iterable.js';
import {
  isManagedStream,
  type ManagedStream,
  ON_COMPLETE,
  type StreamOutcome,
} from '../cold-stream.js';
import type { TracedRun } from '../traced-run.js';
import { watchIterable, watchReader } from './async-iterables.js';
import { endAs, endUnread } from './ending.js';

/** The result for the caller of a run that returns a stream. */
interface TrackedStream {
  readonly stream: unknown;
}

/**
 * Keeps a run open until the stream that is its result has ended in any way. Returns the stream for the caller: the
 * same object, except for Observables, which may have many subscribers; `undefined` for other results.
 */
export function trackStream(work: TracedRun<unknown>, result: unknown): TrackedStream | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  if (isManagedStream(result)) watchOwnStream(work, result);
  else if (isObservable(result)) return { stream: watchObservable(work, result) };
  else if (!isAsyncIterable(result)) return undefined;
  else if (isByteStream(result)) watchByteStream(work, result);
  // A non-extensible object cannot be tracked: treat it as a plain result.
  else if (!Object.isExtensible(result)) return undefined;
  else if (isReader(result)) watchReader(work, result);
  else watchIterable(work, result);
  return { stream: result };
}

function watchOwnStream(work: TracedRun<unknown>, stream: ManagedStream<unknown>): void {
  stream[ON_COMPLETE]((outcome) => endAs(work, outcome));
  work.run.onAbort((reason) => stream.abort(reason));
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}

/** A Node or web stream: it can be read in many ways, so its end is observed from outside. */
type ByteStream = Readable | ReadableStream;

function isByteStream(value: object): value is ByteStream {
  const { pipe, on } = value as Partial<Readable>;
  return (
    value instanceof ReadableStream || (typeof pipe === 'function' && typeof on === 'function')
  );
}

/** Ends the run when the stream ends, whatever reads it. */
function watchByteStream(work: TracedRun<unknown>, stream: ByteStream): void {
  // finished() also accepts web streams, which its types omit.
  finished(stream as Readable, { writable: false }, (error) => {
    const wasLeft = error?.code === 'ERR_STREAM_PREMATURE_CLOSE';
    void endUnread(work, error && !wasLeft ? { error } : { result: undefined });
  });
  work.run.onAbort((reason) => {
    if (work.run.ended) return;
    void endUnread(work, { error: reason });
    if (!(stream instanceof ReadableStream)) stream.destroy(reason as Error);
    else if (!stream.locked) stream.cancel(reason).catch(() => undefined);
  });
}

/** Mirrors `source`; the first subscription runs inside the run, and its end ends the run. */
function watchObservable<T>(work: TracedRun<unknown>, source: Observable<T>): Observable<T> {
  const { run } = work;
  let isTaken = false;
  const onAbort = (error: unknown): void => void endUnread(work, { error });
  run.onAbort(onAbort);
  return new Observable((subscriber) => {
    if (isTaken || run.ended) return run.inside(() => source.subscribe(subscriber));
    isTaken = true;
    run.offAbort(onAbort);
    let isOver = false;
    const finish = (outcome: StreamOutcome<unknown>): void => {
      isOver = true;
      try {
        const ending = endAs(work, outcome);
        if (ending === undefined) subscriber.complete();
        else
          ending.then(
            () => subscriber.complete(),
            (error: unknown) => subscriber.error(error),
          );
      } catch (error) {
        subscriber.error(error);
      }
    };
    const subscription = run.inside(() =>
      source.subscribe({
        next: (value) => subscriber.next(value),
        error: (error) => finish({ error }),
        complete: () => finish({ result: undefined }),
      }),
    );
    if (!isOver) {
      run.onAbort((error) => {
        if (isOver) return;
        subscription.unsubscribe();
        finish({ error });
      });
    }
    return () => {
      subscription.unsubscribe();
      if (isOver) return;
      isOver = true;
      void endUnread(work, { result: undefined });
    };
  });
}
