import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers';
import type { CallbackEvent } from '../../events/event-map.js';
import {
  callHandler,
  callWithTimeout,
  type Handler,
  type InstanceOwner,
} from '../../handlers/handler.js';
import type { Task, TaskTracker } from './task-tracker.js';

/** What can be put into a {@link BackgroundQueue}. */
interface QueuedJob {
  /** Called when the job leaves the queue, just before `run()`. */
  begin(): void;
  /** Never rejects. */
  run(): Promise<void>;
}

/** How many jobs run and wait at once, and what happens to further jobs. */
interface QueueLimits {
  readonly concurrency: number;
  readonly queueSize: number;
  readonly whenFull: 'wait' | 'drop';
}

/** Runs jobs later and in order, with a bounded concurrency and a bounded queue. */
export class BackgroundQueue {
  #running = 0;
  readonly #pending = new Set<QueuedJob>();
  /** After the queued jobs: jobs whose callers wait for room, each with the function to call when there is room. */
  readonly #line = new Map<QueuedJob, () => void>();
  /** The number of jobs in the line without a waiting caller. */
  #abandoned = 0;

  constructor(private readonly limits: QueueLimits) {}

  get running(): number {
    return this.#running;
  }

  get pending(): number {
    return this.#pending.size + this.#line.size;
  }

  /**
   * Adds a job; returns `false` if there is no room. If the caller may wait, returns a promise of the result, which
   * waits for room until `patience` fires.
   *
   * @param patience `undefined` if the caller must not wait, because others wait for it
   */
  add(job: QueuedJob, patience: (() => AbortSignal) | undefined): boolean | Promise<boolean> {
    if (this.#hasRoom()) {
      this.#accept(job);
      return true;
    }
    if (this.limits.whenFull === 'drop') return false;
    return patience === undefined ? this.#abandon(job) : this.#wait(job, patience());
  }

  /** Drops jobs that have not started; waiting callers continue. */
  clear(): void {
    this.#pending.clear();
    for (const goOn of this.#line.values()) goOn();
    this.#line.clear();
  }

  #hasRoom(): boolean {
    return this.#running < this.limits.concurrency || this.#pending.size < this.limits.queueSize;
  }

  #accept(job: QueuedJob): void {
    if (this.#running < this.limits.concurrency) this.#start(job);
    else this.#pending.add(job);
  }

  #wait(job: QueuedJob, patience: AbortSignal): boolean | Promise<boolean> {
    if (patience.aborted) return this.#abandon(job);
    return new Promise((resolve) => {
      const lose = () => resolve(this.#abandon(job));
      patience.addEventListener('abort', lose, { once: true });
      this.#line.set(job, () => {
        patience.removeEventListener('abort', lose);
        resolve(true);
      });
    });
  }

  /** Keeps a job at its position in the line without a waiting caller; the number of these is bounded too. */
  #abandon(job: QueuedJob): boolean {
    if (this.#abandoned >= this.limits.queueSize) {
      this.#line.delete(job);
      return false;
    }
    this.#abandoned++;
    this.#line.set(job, () => void this.#abandoned--);
    return true;
  }

  #start(job: QueuedJob): void {
    this.#running++;
    job.begin();
    // After pending promises, so that the caller continues first.
    setImmediate(() => void job.run().finally(() => this.#next()));
  }

  #next(): void {
    this.#running--;
    for (const job of this.#pending) {
      this.#pending.delete(job);
      this.#start(job);
      break;
    }
    for (const [job, goOn] of this.#line) {
      if (!this.#hasRoom()) break;
      this.#line.delete(job);
      this.#accept(job);
      goOn();
    }
  }
}

/** A handler's call in the background, in the asynchronous context in which its event was emitted. */
export class BackgroundJob implements QueuedJob {
  /** Captures the current state of every AsyncLocalStorage, including the application's. */
  readonly #context = new AsyncResource('nestjs-llm-callbacks:background', {
    requireManualDestroy: true,
  });

  constructor(
    private readonly queued: QueuedEvent,
    private readonly task: Task,
    private readonly tasks: TaskTracker,
  ) {
    task.isQueued = true;
  }

  begin(): void {
    this.task.isQueued = false;
  }

  async run(): Promise<void> {
    const work = () => this.tasks.inside(this.task, () => this.#work());
    try {
      await this.#context.runInAsyncScope(work);
    } finally {
      this.tasks.end(this.task);
    }
  }

  async #work(): Promise<void> {
    const { handler, run, failed, around } = this.queued;
    if (!handler.active || this.task.stopped) return;
    try {
      await (around === undefined ? this.#called(run) : around(() => this.#called(run)));
    } catch (error) {
      await failed(error);
    }
  }

  #called(run: QueuedEvent['run']): unknown {
    return run.insideHandler(this.queued.handler, () => this.#call(run));
  }

  #call(owner: InstanceOwner): unknown {
    const { handler, event } = this.queued;
    return handler.timeoutMs === undefined
      ? callHandler(handler, event, this.task, owner)
      : callWithTimeout(handler, handler.timeoutMs, event, owner, this.task.signal);
  }
}

/** An event on its way to a background or durable handler. */
export interface QueuedEvent {
  readonly handler: Handler;
  readonly event: CallbackEvent;
  /** The run of the event. */
  readonly run: InstanceOwner & {
    readonly signal: AbortSignal;
    insideHandler<R>(handler: Handler, call: () => R): R;
  };
  /** Reports the failure: emits `callback.error`, and logs it unless it was already logged. Never rejects. */
  readonly failed: (error: unknown, isLogged?: boolean) => Promise<void> | undefined;
  /** Calls the handler and measures it, if something handles `callback.end`. */
  readonly around?: ((call: () => unknown) => unknown) | undefined;
}
