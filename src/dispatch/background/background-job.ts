import { AsyncResource } from 'node:async_hooks';
import { callHandler } from '../../handlers/handler.js';
import type { InstanceOwner } from '../../handlers/instance-source.js';
import type { QueuedJob } from './background-queue.js';
import type { TaskTracker, Task } from './task-tracker.js';
import { callWithTimeout } from '../timeout.js';
import type { QueuedEvent } from '../queued-event.js';

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
    const { handler, run, failed } = this.queued;
    if (!handler.active || this.task.stopped) return;
    try {
      await run.insideHandler(handler, () => this.#call(run));
    } catch (error) {
      await failed(error);
    }
  }

  #call(owner: InstanceOwner): unknown {
    const { handler, event } = this.queued;
    return handler.timeoutMs === undefined
      ? callHandler(handler, event, this.task, owner)
      : callWithTimeout(handler, handler.timeoutMs, event, owner, this.task.signal);
  }
}
