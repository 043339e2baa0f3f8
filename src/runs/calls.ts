import { isThenable } from '../dispatch/promises.js';
import { trackStream } from './result-streams/track-stream.js';
import type { TracedRun } from './traced-run.js';

/** Runs a function as a run for a caller that waits: from its start handlers to its end handlers. */
export async function callInTurn<R>(work: TracedRun<unknown>, fn: () => R): Promise<Awaited<R>> {
  const { run } = work;
  const result = await work.attempt(() => run.orAborted((async () => fn())()));
  return settle(work, result as Awaited<R>);
}

/** Runs a synchronous function as a run: calls it immediately and returns its result immediately. */
export function callNow<R>(work: TracedRun<unknown>, fn: () => R): R {
  let result: R;
  try {
    work.beginNow();
    result = work.run.inside(fn);
  } catch (error) {
    void work.fail(error);
    throw error;
  }
  if (isThenable(result)) return settleLater(work, result) as R;
  const tracked = trackStream(work, result);
  if (tracked) return tracked.stream as R;
  work.succeedNow(result);
  return result;
}

async function settleLater<T>(work: TracedRun<unknown>, promised: PromiseLike<T>): Promise<T> {
  let result: T;
  try {
    result = await work.run.orAborted(promised);
    if (work.starting) await work.starting;
    if (work.run.aborted) throw work.run.reason as Error;
  } catch (error) {
    throw await work.fail(error);
  }
  return settle(work, result);
}

async function settle<T>(work: TracedRun<unknown>, result: T): Promise<T> {
  const tracked = trackStream(work, result);
  if (tracked) return tracked.stream as T;
  await work.succeed(result);
  return result;
}
