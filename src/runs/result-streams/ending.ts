import type { StreamOutcome } from '../cold-stream.js';
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
  const { run } = work;
  const ending = work.complete(run.aborted ? { error: run.reason } : outcome);
  return ending instanceof Promise ? (ending as Promise<void>) : undefined;
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
