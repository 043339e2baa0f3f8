import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { BackgroundFullError } from '../../errors/callbacks-error.js';
import { Log } from '../../util/log.js';
import { BackgroundJob } from './background-job.js';
import { BACKGROUND_DEFAULTS, type BackgroundSettings } from './background-options.js';
import { BackgroundQueue } from './background-queue.js';
import { DurableAdds } from './durable-adds.js';
import { TaskTracker } from './task-tracker.js';
import type { QueuedEvent } from '../queued-event.js';

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
