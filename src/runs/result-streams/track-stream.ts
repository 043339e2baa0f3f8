import { isObservable } from 'rxjs';
import { isManagedStream, ON_COMPLETE, type ManagedStream } from '../stream-completion.js';
import { isReader } from '../context-iterable.js';
import type { TracedRun } from '../traced-run.js';
import { watchIterable, watchReader } from './async-iterables.js';
import { isByteStream, watchByteStream } from './byte-streams.js';
import { endAs } from './ending.js';
import { watchObservable } from './observables.js';

/** The result for the caller of a run that returns a stream. */
export interface TrackedStream {
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
  work.run.whenAborted((reason) => stream.abort(reason));
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}
