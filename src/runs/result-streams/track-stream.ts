import { isObservable } from 'rxjs';
import { isManagedStream, ON_COMPLETE, type ManagedStream } from '../stream-completion.js';
import { isReader } from '../context-iterable.js';
import type { TracedRun } from '../traced-run.js';
import { watchIterable, watchReader } from './async-iterables.js';
import { isByteStream, watchByteStream } from './byte-streams.js';
import { endAs } from './ending.js';
import { watchObservable } from './observables.js';

/** What the caller of lasting work gets. */
export interface TrackedStream {
  readonly stream: unknown;
}

/**
 * Keeps a run open while its result lasts: until a stream has ended, however that comes. Gives what the caller gets: the
 * very object, but for Observables, which many may share; `undefined` for results that do not last.
 */
export function trackStream(work: TracedRun<unknown>, result: unknown): TrackedStream | undefined {
  if (typeof result !== 'object' || result === null) return undefined;
  if (isManagedStream(result)) watchOwnStream(work, result);
  else if (isObservable(result)) return { stream: watchObservable(work, result) };
  else if (!isAsyncIterable(result)) return undefined;
  else if (isByteStream(result)) watchByteStream(work, result);
  // One that cannot be changed cannot be watched: it is a result as any other.
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
