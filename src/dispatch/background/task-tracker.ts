import { AsyncLocalStorage } from 'node:async_hooks';
import type { HandlerContext } from '../../events/handler-options.js';

/**
 * A background handler's call, from when it is accepted until it is done; also the context that the handler receives.
 */
export class Task implements HandlerContext {
  /** Whether it waits in the queue. */
  isQueued = false;
  #controller: AbortController | undefined;
  #stopped: { readonly reason: Error } | undefined;

  constructor(
    /** The handler, as `Class.method`. */
    readonly handler: string,
  ) {}

  /** Fires when shutdown stops waiting. It does not fire with the run: the handled event has already happened. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#stopped) this.#controller.abort(this.#stopped.reason);
    return this.#controller.signal;
  }

  get stopped(): boolean {
    return this.#stopped !== undefined;
  }

  stop(reason: Error): void {
    this.#stopped ??= { reason };
    this.#controller?.abort(reason);
  }
}

/** A caller that waits for tasks, and for the tasks that they cause. */
interface Flush {
  /** The waiting task, if the caller is one. */
  readonly waiting: Task | undefined;
  readonly left: Set<Task>;
  readonly done: () => void;
}

/** The active background tasks of one application. */
export class TaskTracker {
  readonly #tasks = new Set<Task>();
  readonly #flushes = new Set<Flush>();
  /** The task of the current asynchronous context. */
  readonly #around = new AsyncLocalStorage<Task>();
  #stopped: { readonly reason: Error } | undefined;

  /** Whether no more tasks may start. */
  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** Whether the caller runs in the background. */
  get isInside(): boolean {
    const around = this.#around.getStore();
    return around !== undefined && this.#tasks.has(around);
  }

  begin(handler: string): Task {
    const task = new Task(handler);
    if (this.#stopped) task.stop(this.#stopped.reason);
    this.#tasks.add(task);
    if (this.#flushes.size > 0) {
      const around = this.#around.getStore();
      for (const { left } of this.#flushes) if (around && left.has(around)) left.add(task);
    }
    return task;
  }

  end(task: Task): void {
    this.#tasks.delete(task);
    for (const flush of this.#flushes) this.#leaveOut(task, flush);
  }

  inside<R>(task: Task, work: () => R): R {
    return this.#around.run(task, work);
  }

  /**
   * Waits for all active tasks, and for the tasks that they start meanwhile; not for tasks that others start. A task
   * does not wait for itself, for other tasks that call `flush`, or for tasks queued after it.
   */
  async flush(): Promise<void> {
    const left = new Set(this.#tasks);
    const around = this.#around.getStore();
    const waiting = around && left.has(around) ? around : undefined;
    if (waiting !== undefined) {
      left.delete(waiting);
      for (const task of left) if (task.isQueued) left.delete(task);
      for (const flush of this.#flushes) {
        if (flush.waiting === undefined) continue;
        left.delete(flush.waiting);
        this.#leaveOut(waiting, flush);
      }
    }
    if (left.size === 0) return;
    await new Promise<void>((resolve) => {
      const flush: Flush = {
        waiting,
        left,
        done: () => {
          this.#flushes.delete(flush);
          resolve();
        },
      };
      this.#flushes.add(flush);
    });
  }

  /** Waits until there are no tasks. */
  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await this.flush();
  }

  /** Abandons all tasks: signals fire, and all waits end. Returns the number of tasks by handler. */
  stop(reason: Error): ReadonlyMap<string, number> {
    this.#stopped = { reason };
    const left = new Map<string, number>();
    for (const task of this.#tasks) {
      left.set(task.handler, (left.get(task.handler) ?? 0) + 1);
      task.stop(reason);
    }
    this.#tasks.clear();
    for (const { done } of this.#flushes) done();
    return left;
  }

  #leaveOut(task: Task, { left, done }: Flush): void {
    left.delete(task);
    if (left.size === 0) done();
  }

  /**
   * Before Node 24, every promise of the process iterates over all storages in use; remove a closed application's
   * storage.
   */
  close(): void {
    this.#around.disable();
  }
}
