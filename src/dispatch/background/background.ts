import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  BackgroundFullError,
  CallbacksConfigurationError,
  CallbacksError,
  CallbackTimeoutError,
} from '../../errors/callbacks-error.js';
import { isOptions, kindOf, type OptionNames, unknownOption } from '../../util/known-options.js';
import { Log } from '../../util/log.js';
import { isTimeoutMs, withDeadline } from '../../util/promises.js';
import { BackgroundJob, BackgroundQueue, type QueuedEvent } from './background-queue.js';
import { type JobQueue, toJob } from './job-queue.js';
import { TaskTracker } from './task-tracker.js';

/** Settings of background handlers: `forRoot({ background })`. */
export interface BackgroundOptions {
  /**
   * The maximum number of handlers with `background: true` that run at once.
   * @default 16
   */
  concurrency?: number;
  /**
   * The maximum number of background handlers that wait in the queue.
   * @default 1_000
   */
  queueSize?: number;
  /**
   * What happens to an event if the queue has no room for its handler. `'wait'`: the run waits for room, unless it is
   * aborted. `'drop'`: the handler is not called, which is counted and emitted as `callback.error`. Events caused by
   * background handlers, and events of aborted runs, are queued without blocking, up to `queueSize` more; beyond that
   * they are dropped too.
   * @default 'wait'
   */
  whenFull?: 'wait' | 'drop';
  /**
   * How long shutdown waits for runs and background handlers together, in milliseconds. Then runs are aborted, and runs
   * that ignore their signal are ended anyway; background handlers are abandoned. This takes less than one more second.
   * @default 10_000
   */
  drainMs?: number;
  /** The job queue of handlers with `background: 'durable'`, which require it. */
  queue?: JobQueue;
  /**
   * How long a run waits for `queue` to accept a job, in milliseconds. Then the run continues and `callback.error` is
   * emitted, although the job may still arrive later. After a timeout or a slow failure, runs add their jobs without
   * waiting until the queue has accepted a job again. At most `queueSize` jobs may be unanswered.
   * @default 5_000
   */
  addTimeoutMs?: number;
}

/** {@link BackgroundOptions} with defaults applied. */
export interface BackgroundSettings extends Required<Omit<BackgroundOptions, 'queue'>> {
  /** `undefined` if there are no durable handlers. */
  readonly queue: JobQueue | undefined;
}

export const BACKGROUND_DEFAULTS: BackgroundSettings = {
  concurrency: 16,
  queueSize: 1_000,
  whenFull: 'wait',
  drainMs: 10_000,
  queue: undefined,
  addTimeoutMs: 5_000,
};

const KNOWN: OptionNames = new Set(Object.keys(BACKGROUND_DEFAULTS));
const QUEUE_METHODS = ['add', 'start', 'close'] as const satisfies (keyof JobQueue)[];

/** Applies the defaults; rejects invalid options. */
export function toBackgroundSettings(options: BackgroundOptions = {}): BackgroundSettings {
  if (!isOptions(options)) throw refusal(` must be an object, not ${kindOf(options)}`);
  const unknown = unknownOption(options, KNOWN);
  if (unknown !== undefined) throw refusal(` has no ${unknown}`);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const settings: BackgroundSettings = { ...BACKGROUND_DEFAULTS, ...Object.fromEntries(given) };
  const { concurrency, queueSize, whenFull, drainMs, queue, addTimeoutMs } = settings;
  if (!(Number.isSafeInteger(concurrency) && concurrency > 0))
    throw refusal('.concurrency must be a whole number above 0');
  if (!(Number.isSafeInteger(queueSize) && queueSize >= 0))
    throw refusal('.queueSize must be a whole number, 0 or more');
  if (whenFull !== 'wait' && whenFull !== 'drop')
    throw refusal(".whenFull must be 'wait' or 'drop'");
  if (!(drainMs === 0 || isTimeoutMs(drainMs)))
    throw refusal('.drainMs must be 0 or more milliseconds');
  if (!isTimeoutMs(addTimeoutMs))
    throw refusal('.addTimeoutMs must be a positive number of milliseconds');
  const isQueue = QUEUE_METHODS.every((method) => typeof queue?.[method] === 'function');
  if (queue !== undefined && !isQueue)
    throw refusal(
      '.queue must be a JobQueue: an object with add(), start() and close(), such as new BullmqJobQueue({ connection })',
    );
  return settings;
}

function refusal(what: string): CallbacksConfigurationError {
  return new CallbacksConfigurationError(`background${what}.`);
}

/** The state of an application's background handlers. */
export interface BackgroundStatus {
  /** Handlers that are running. */
  readonly running: number;
  /** Handlers that wait in the queue. */
  readonly pending: number;
  /** Handlers not called for lack of room, since the application started. */
  readonly dropped: number;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const BackgroundStatus: object = Object;

/** Accepts events for the background and durable handlers of one application. */
@Injectable()
export class Background implements OnApplicationShutdown {
  readonly tasks = new TaskTracker();
  readonly #logger = new Log('Callbacks');
  #queue = new BackgroundQueue(BACKGROUND_DEFAULTS);
  #adds: DurableAdds | undefined;
  #dropped = 0;
  /** Whether the lack of room was logged. */
  #isWarned = false;

  configure(settings: BackgroundSettings): void {
    const { queue } = settings;
    this.#queue = new BackgroundQueue(settings);
    this.#adds = queue && new DurableAdds(queue, settings, this.tasks);
  }

  get status(): BackgroundStatus {
    const { running, pending } = this.#queue;
    return { running, pending, dropped: this.#dropped };
  }

  /** Returns a promise, which never rejects, only if the run must wait: for room, or for the job queue. */
  take(queued: QueuedEvent): Promise<void> | undefined {
    if (this.tasks.isStopped) {
      this.#dropped++;
      return undefined;
    }
    // The registry rejects durable handlers if there is no queue.
    return queued.handler.background === 'durable'
      ? this.#adds?.add(queued)
      : this.#enqueue(queued);
  }

  /** Abandons the remaining handlers at the deadline of a shutdown; returns their number by handler. */
  stop(reason: Error): ReadonlyMap<string, number> {
    const left = this.tasks.stop(reason);
    this.#queue.clear();
    return left;
  }

  onApplicationShutdown(): void {
    this.tasks.close();
  }

  #enqueue(queued: QueuedEvent): Promise<void> | undefined {
    const { run, handler } = queued;
    // A background handler must not wait for room, or it could wait for itself.
    const patience = this.tasks.isInside ? undefined : () => run.signal;
    const task = this.tasks.begin(handler.name);
    const isTaken = this.#queue.add(new BackgroundJob(queued, task, this.tasks), patience);
    const settle = (taken: boolean) => {
      if (taken) return this.#taken();
      this.tasks.end(task);
      return this.#drop(queued);
    };
    return typeof isTaken === 'boolean' ? settle(isTaken) : isTaken.then(settle);
  }

  #taken(): undefined {
    if (this.#queue.pending === 0) this.#isWarned = false;
  }

  #drop({ handler, event, failed }: QueuedEvent): Promise<void> | undefined {
    this.#dropped++;
    const error = new BackgroundFullError(
      `${handler.name} is not called for ${event.type}, because as many calls wait in the background as background.queueSize allows.`,
    );
    if (!this.#isWarned) {
      this.#isWarned = true;
      this.#logger.warn(
        `${error.message} Further ones are counted in CallbacksService.background and reported as callback.error.`,
      );
    }
    return failed(error, true);
  }
}

/** A slower failure counts as having delayed the run, in milliseconds. */
const QUICK_MS = 100;

/**
 * Adds the jobs of durable handlers to the job queue, which may be slow or unavailable. Only the first run is delayed
 * by that. Later runs add their jobs without waiting, which also probes whether the queue is back; failures are
 * reported as `callback.error`.
 */
class DurableAdds {
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
