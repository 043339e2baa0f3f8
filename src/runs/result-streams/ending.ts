import type { StreamOutcome } from '../stream-completion.js';
import type { TracedRun } from '../traced-run.js';

/**
 * Ends a run with the outcome of its stream, or as aborted if it was aborted before. Rejects with the error that the
 * consumer receives instead of the end. Await the returned promise, if any.
 */
export function endAs(
  work: TracedRun<unknown>,
  outcome: StreamOutcome<unknown>,
): void | Promise<void> {
  // A start handler that is still running may reject the run.
  return work.starting ? work.starting.then(() => endNow(work, outcome)) : endNow(work, outcome);
}

function endNow(work: TracedRun<unknown>, outcome: StreamOutcome<unknown>): void | Promise<void> {
  if (!('error' in outcome) && !work.run.aborted) return work.succeed(outcome.result);
  const cause = work.fail('error' in outcome ? outcome.error : undefined);
  if (cause instanceof Promise) return cause.then(rethrow);
  throw cause;
}

/** {@link endAs} for a stream that is no longer read. */
export async function endUnread(
  work: TracedRun<unknown>,
  outcome: StreamOutcome<unknown>,
): Promise<void> {
  work.run.release();
  try {
    await endAs(work, outcome);
  } catch {
    // Emitted as the run's error; no consumer can receive it.
  }
}

function rethrow(error: Error): never {
  throw error;
}
