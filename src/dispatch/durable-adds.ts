import { withDeadline } from '../deadline.js';
import { CallbacksError, CallbackTimeoutError } from '../errors/index.js';
import { toJob, type JobQueue } from '../jobs/index.js';
import type { Outstanding } from './outstanding.js';
import type { Told } from './told.js';

/** Hands the work of durable handlers to the job queue, which may be slow, or away. */
export class DurableAdds {
  /** Jobs that the queue has not said anything of yet. */
  #unsettled = 0;
  /** Those of them that are not waited for any more. */
  #late = 0;

  constructor(
    private readonly queue: JobQueue,
    private readonly limits: { readonly queueSize: number; readonly addTimeoutMs: number },
    private readonly outstanding: Outstanding,
  ) {}

  /** Returns a promise, which never rejects, while the run is to wait until the job is stored. */
  add(told: Told): Promise<void> | undefined {
    if (this.#unsettled >= this.limits.queueSize) {
      return told.failed(
        new CallbacksError(
          `The job queue has not answered ${this.#unsettled} times; ${told.handler.name} will not be called. Is its server there?`,
        ),
      );
    }
    const isLate = this.#late > 0;
    const task = this.outstanding.begin(told.handler.name);
    const added = this.#addInTime(told)
      .catch((error: unknown) => told.failed(error))
      .finally(() => this.outstanding.end(task));
    return isLate ? undefined : added;
  }

  async #addInTime(told: Told): Promise<void> {
    const { addTimeoutMs } = this.limits;
    let isLate = false;
    const added = this.#add(told).finally(() => {
      this.#unsettled--;
      if (isLate) this.#late--;
    });
    await withDeadline(added, addTimeoutMs, () => {
      isLate = true;
      this.#late++;
      return new CallbackTimeoutError(
        `The job queue did not take the job of ${told.handler.name} within ${addTimeoutMs} ms. Is its server there?`,
      );
    });
  }

  /** Asynchronous whatever the queue does; but the event is written down as it is now. */
  async #add({ handler, event }: Told): Promise<void> {
    this.#unsettled++;
    await this.queue.add(toJob(handler.jobName!, event));
  }
}
