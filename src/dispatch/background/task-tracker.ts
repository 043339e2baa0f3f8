import { AsyncLocalStorage } from 'node:async_hooks';
import type { HandlerContext } from '../../events/handler-options.js';

/** A handler that nobody waits for, from when it is accepted until it is done; what it gets besides the event. */
export class Task implements HandlerContext {
  /** Whether it waits for its turn. */
  isQueued = false;
  #controller: AbortController | undefined;
  #stopped: { readonly reason: Error } | undefined;

  constructor(
    /** The handler, as `Class.method`. */
    readonly handler: string,
  ) {}

  /** Fires when shutdown waits no longer. Not with the run: what the handler is told of has happened. */
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

/** Somebody who waits for tasks, and for those that come of them. */
interface Flush {
  /** The task that waits itself, where one does. */
  readonly waiting: Task | undefined;
  readonly left: Set<Task>;
  readonly done: () => void;
}

/** What is under way in the background of one application. */
export class TaskTracker {
  readonly #tasks = new Set<Task>();
  readonly #flushes = new Set<Flush>();
  /** The task that the asynchronous flow belongs to. */
  readonly #around = new AsyncLocalStorage<Task>();
  #stopped: { readonly reason: Error } | undefined;

  /** Whether nothing more is to begin. */
  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** Whether the caller is in the background itself. */
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
   * Waits for all that is under way, and for what that begins meanwhile; not for what others begin. A task does not wait
   * for itself, nor for others that wait in this way, nor for those whose turn would come only after it.
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

  /** Waits until there is nothing. */
  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await this.flush();
  }

  /** Gives everything up: signals fire, and nobody waits any more. Returns how many there were of each handler. */
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

  /** Before Node 24, each promise of the process walks all storages that were ever used; a closed application's goes. */
  close(): void {
    this.#around.disable();
  }
}
