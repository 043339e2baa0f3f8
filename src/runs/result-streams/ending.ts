import type { StreamOutcome } from '../stream-completion.js';
import type { TracedRun } from '../traced-run.js';

/**
 * Ends a run as its stream has ended, or as it was aborted before. Fails with what the reader is to learn instead of the
 * end. What is returned is to be awaited.
 */
export function endAs(
  work: TracedRun<unknown>,
  outcome: StreamOutcome<unknown>,
): void | Promise<void> {
  // A handler that still hears the start may refuse it.
  return work.starting ? work.starting.then(() => endNow(work, outcome)) : endNow(work, outcome);
}

function endNow(work: TracedRun<unknown>, outcome: StreamOutcome<unknown>): void | Promise<void> {
  if (!('error' in outcome) && !work.run.aborted) return work.succeed(outcome.result);
  const cause = work.fail('error' in outcome ? outcome.error : undefined);
  if (cause instanceof Promise) return cause.then(rethrow);
  throw cause;
}

/** {@link endAs} for a stream that nobody reads any more. */
export async function endUnread(
  work: TracedRun<unknown>,
  outcome: StreamOutcome<unknown>,
): Promise<void> {
  work.run.release();
  try {
    await endAs(work, outcome);
  } catch {
    // Told as the run's error; there is no reader to learn of it.
  }
}

function rethrow(error: Error): never {
  throw error;
}
