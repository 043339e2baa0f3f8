import { Injectable } from '@nestjs/common';
import { abortable, isThenable } from '../util/promises.js';
import { Background } from '../dispatch/background/background.js';
import {
  callHandler,
  callWithTimeout,
  type Handler,
  type InstanceOwner,
} from '../handlers/handler.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { CallbacksError } from '../errors/callbacks-error.js';
import { reviveEventFor } from '../events/deserialize.js';
import type { CallbackEvent } from '../events/event-map.js';
import type { Job, JobTry } from '../dispatch/background/job-queue.js';
import { HandlerRegistry } from '../handlers/handler-registry.js';
import { ContextStore } from '../runs/run-context.js';
import { RunFactory } from '../runs/run-factory.js';
import { Log, logReason } from '../util/log.js';

/** Calls durable handlers for the jobs of the queue, with the jobs' events. */
@Injectable()
export class DurableWorker {
  readonly #logger = new Log('Callbacks');

  constructor(
    private readonly registry: HandlerRegistry,
    private readonly runs: RunFactory,
    private readonly dispatcher: Dispatcher,
    private readonly background: Background,
    private readonly store: ContextStore,
  ) {}

  /** Rejects if the job failed: the queue then retries it, later or elsewhere, or sets it aside. */
  async work(job: Job, attempt: JobTry): Promise<void> {
    const { tasks } = this.background;
    const task = tasks.begin(job.handler);
    const signal = AbortSignal.any([task.signal, attempt.signal]);
    try {
      signal.throwIfAborted();
      await tasks.inside(task, () => this.#work(job, attempt, signal));
    } finally {
      tasks.end(task);
    }
  }

  async #work(job: Job, attempt: JobTry, signal: AbortSignal): Promise<void> {
    const event = this.#restore(job);
    const run = this.runs.restore(event);
    const handler = this.registry.durableHandler(job.handler, event.type);
    try {
      if (handler === undefined) throw unknown(job.handler, event);
      const called = run.insideHandler(handler, () => call(handler, event, run, signal));
      // Do not wait for a handler after its job was given up, or the job would never return to the queue.
      if (isThenable(called)) await abortable(called, signal);
    } catch (error) {
      const name = handler?.name ?? job.handler;
      if (signal.aborted) throw error; // The worker stopped it; it did not fail.
      if (attempt.final ?? true) await this.dispatcher.report({ name }, event, run, error);
      else this.#warn(`${name} failed on ${event.type} in try ${attempt.attempt}`, error);
      throw error;
    }
  }

  #restore(job: Job): CallbackEvent {
    try {
      return reviveEventFor(this.store.redactor, job.event);
    } catch (error) {
      this.#logger.error(`A job of ${job.handler} failed: ${logReason(error)}`);
      throw error;
    }
  }

  #warn(what: string, error: unknown): void {
    this.#logger.warn(`${what} and is tried again: ${logReason(error)}`);
  }
}

function unknown(name: string, { type }: CallbackEvent): CallbacksError {
  return new CallbacksError(
    `No durable handler here is named "${name}" and handles ${type}. Is this an older version of the application, or was the handler renamed?`,
  );
}

function call(
  handler: Handler,
  event: CallbackEvent,
  owner: InstanceOwner,
  signal: AbortSignal,
): unknown {
  return handler.timeoutMs === undefined
    ? callHandler(handler, event, { signal }, owner)
    : callWithTimeout(handler, handler.timeoutMs, event, owner, signal);
}
