import { withDeadline } from '../../util/deadline.js';
import { CallbacksError, CallbackTimeoutError } from '../../errors/callbacks-error.js';
import { toJob, type JobQueue } from './job-queue.js';
import type { TaskTracker } from './task-tracker.js';
import type { QueuedEvent } from '../queued-event.js';

/** A slower failure counts as having delayed the run, in milliseconds. */
const QUICK_MS = 100;

/**
 * Adds the jobs of durable handlers to the job queue, which may be slow or unavailable. Only the first run is delayed
 * by that. Later runs add their jobs without waiting, which also probes whether the queue is back; failures are
 * reported as `callback.error`.
 */
export class DurableAdds {
  /** Jobs that timed out and that the queue has not answered yet. */
  #late = 0;
  /** Unanswered jobs: those that timed out, and those added without waiting. */
  #unwatched = 0;
  /** Whether the last answered job delayed its run and failed. */
  #isAway = false;

  constructor(
    private readonly queue: JobQueue,
    private readonly limits: { readonly queueSize: number; readonly addTimeoutMs: number },
    private readonly tasks: TaskTracker,
  ) {}

  /** Returns a promise, which never rejects, if the run must wait until the job is stored. */
  add(queued: QueuedEvent): Promise<void> | undefined {
    const isLate = this.#late > 0 || this.#isAway;
    if (isLate && this.#unwatched >= this.limits.queueSize) {
      return queued.failed(
        new CallbacksError(
          `The job queue has not answered ${this.#unwatched} times; ${queued.handler.name} will not be called. Is its server there?`,
        ),
      );
    }
    const task = this.tasks.begin(queued.handler.name);
    const startedAt = performance.now();
    const added = this.#addInTime(queued, !isLate)
      .catch((error: unknown) => {
        // A fast failure delays nobody.
        const tookMs = performance.now() - startedAt;
        if (tookMs > Math.min(QUICK_MS, this.limits.addTimeoutMs / 2)) this.#isAway = true;
        return queued.failed(error);
      })
      .finally(() => this.tasks.end(task));
    return isLate ? undefined : added;
  }

  async #addInTime(queued: QueuedEvent, isWatched: boolean): Promise<void> {
    const { addTimeoutMs } = this.limits;
    let unwatched = isWatched ? 0 : 1;
    let late = 0;
    this.#unwatched += unwatched;
    const taking = this.#add(queued).then(() => void (this.#isAway = false));
    const added = taking.finally(() => {
      this.#unwatched -= unwatched;
      this.#late -= late;
    });
    await withDeadline(added, addTimeoutMs, () => {
      this.#unwatched += 1 - unwatched;
      this.#late++;
      unwatched = late = 1;
      return new CallbackTimeoutError(
        `The job queue did not take the job of ${queued.handler.name} within ${addTimeoutMs} ms. Is its server there?`,
      );
    });
  }

  /** Always asynchronous, whatever the queue does; the event is serialized synchronously. */
  async #add({ handler, event }: QueuedEvent): Promise<void> {
    await this.queue.add(toJob(handler.jobName!, event));
  }
}
