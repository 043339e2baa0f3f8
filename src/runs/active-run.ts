import { Injectable } from '@nestjs/common';
import type { Dispatcher, PendingDispatch } from '../dispatch/dispatcher.js';
import { LlmAbortedError } from '../errors/llm-errors.js';
import { type CallbackEvent, toEmittedEvent } from '../events/event-map.js';
import { defer, type Deferred } from '../util/promises.js';
import { BIND_CONTEXT } from '../handlers/handler.js';
import { bindContext } from './bind-context.js';
import { type Stoppable, type StopSources, watchStops } from './cancellation.js';
import type { Outcome } from './cold-stream.js';
import type { Run } from './run.js';

/** Why a run stops when the consumer of its stream is gone. */
export const READER_LEFT = 'The reader of the stream stopped reading.';

/** The services that all runs of an application share. */
export interface RunRuntime {
  readonly dispatcher: Dispatcher;
  readonly openRuns: OpenRuns;
}

/**
 * The life cycle of a run: `start`, `dispatch`, `complete` and `abort`. It is open from before its start event until its
 * terminal event was dispatched and nothing holds it open.
 *
 * @typeParam R what the run ends with
 */
export abstract class ActiveRun<R> implements OpenRun, Stoppable {
  #closed: Deferred<void> | undefined;
  #held = 0;
  #isDispatched = false;
  #isGivenUp = false;
  #isCancelled = false;
  #unwatch: (() => void) | undefined;

  constructor(
    readonly run: Run,
    protected readonly runtime: RunRuntime,
  ) {}

  /**
   * Opens the run and dispatches its start event. Fails with what a critical handler threw, or with the reason of an
   * abort. Await the returned promise, if any.
   */
  abstract start(): void | Promise<void>;

  /**
   * Ends the run: dispatches its terminal event, unless it has ended. Returns the result for the caller, or fails with
   * the first cause: what a critical handler threw, the reason of an abort, or the outcome's error. Await a returned
   * promise.
   */
  abstract complete(outcome: Outcome<R>): unknown;

  /** Aborts the run; the first reason becomes its error. */
  abort(reason: Error): void {
    if (!this.run.ended) this.run.abort(reason);
  }

  /**
   * Records that the consumer of the run's stream stopped reading. The run is then cancelled and completes, while an
   * abort ends it with an error.
   */
  cancel(): void {
    if (this.run.ended || this.run.aborted || this.#isCancelled) return;
    this.#isCancelled = true;
    this.onCancel();
  }

  /** Whether the consumer stopped reading. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Aborts the run because the client of the inbound request disconnected. */
  disconnect(cause: unknown): void {
    const sources = this.stopSources();
    if (sources?.streaming) this.cancel();
    else {
      const message = `The ${sources?.what ?? 'run'} was aborted because the client of the request left.`;
      this.abort(new LlmAbortedError(message, { cause }));
    }
  }

  get closed(): Promise<void> {
    this.#closed ??= defer();
    if (!this.runtime.openRuns.has(this)) this.#closed.resolve();
    return this.#closed.promise;
  }

  /** {@link abort} for a shutdown that no longer waits for the work or for anything that holds the run open. */
  giveUp(reason: Error): void {
    this.#isGivenUp = true;
    this.abort(reason);
    if (this.#isDispatched) this.#close();
  }

  /** Keeps the run open until something is settled that its end does not wait for. */
  holdOpen(work: PromiseLike<unknown>): void {
    const release = (): void => {
      this.#held--;
      if (this.#isDispatched) this.#close();
    };
    this.#held++;
    work.then(release, release);
  }

  /** Emits an event of the run for an interceptor; nothing once the run has ended. */
  async emit(name: string, fields: unknown): Promise<void> {
    if (this.run.ended) return;
    await this.dispatch(toEmittedEvent(this.run, name, fields));
  }

  /** Stops the work of a cancelled run. */
  protected onCancel(): void {
    this.run.abort(new LlmAbortedError(READER_LEFT));
  }

  /** What may stop the run from outside; most runs have nothing. */
  protected stopSources(): StopSources | undefined {
    return undefined;
  }

  protected open(): void {
    this.runtime.openRuns.add(this);
    const sources = this.stopSources();
    if (sources !== undefined) this.#unwatch = watchStops(sources, this);
  }

  /** Takes the right to dispatch the terminal event; nothing can stop the run from then on. */
  protected end(): boolean {
    if (!this.run.end()) return false;
    this.#unwatch?.();
    return true;
  }

  /** Dispatches the start event, once the run is bound to its contexts. Await the returned promise, if any. */
  protected dispatchStart(event: CallbackEvent): void | Promise<void> {
    this.bindContext(event);
    return this.dispatch(event);
  }

  protected bindContext(event: CallbackEvent): void {
    const { run } = this;
    if (run.handlers[BIND_CONTEXT].length === 0) return;
    bindContext(run, event, (handler, error) => {
      void this.runtime.dispatcher.report(handler, event, run, error);
    });
  }

  /** Await the returned promise, if any. */
  protected dispatch(event: CallbackEvent): void | Promise<void> {
    return this.runtime.dispatcher.dispatch(event, this.run);
  }

  /** Dispatches the terminal event; the run is closed when its handlers are done, even if they failed. */
  protected dispatchLast(event: CallbackEvent): void | Promise<void> {
    let dispatching: void | Promise<void> = undefined;
    try {
      dispatching = this.dispatch(event);
      return dispatching?.finally(() => this.#close());
    } finally {
      if (dispatching === undefined) this.#close();
    }
  }

  /**
   * {@link dispatchLast} for a caller that does not wait; returns the error that a critical handler has already thrown.
   */
  protected dispatchLastNow(event: CallbackEvent): PendingDispatch['refused'] {
    let late: PendingDispatch | undefined;
    try {
      late = this.runtime.dispatcher.dispatchNow(event, this.run);
      return late?.refused;
    } finally {
      const close = () => this.#close();
      if (late === undefined) close();
      else void late.settled.then(close, close);
    }
  }

  #close(): void {
    this.#isDispatched = true;
    if (this.#held > 0 && !this.#isGivenUp) return;
    this.run.letGo();
    this.runtime.openRuns.delete(this);
    this.#closed?.resolve();
  }
}

/** An active run, as shutdown sees it. */
interface OpenRun {
  /** The run and its parent. */
  readonly run: {
    readonly runId: string;
    readonly parentRunId: string | undefined;
    readonly ended: boolean;
  };
  abort(reason: Error): void;
  /** Aborts the run, and ends it even if its work continues. */
  giveUp(reason: Error): void;
  /** Settles, and never rejects, when the terminal event was dispatched. */
  readonly closed: Promise<unknown>;
}

/** The active runs, so that shutdown can wait for them. */
@Injectable()
export class OpenRuns {
  readonly #runs = new Set<OpenRun>();
  readonly #givenUp = new WeakSet<OpenRun>();

  get size(): number {
    return this.#runs.size;
  }

  has(run: OpenRun): boolean {
    return this.#runs.has(run);
  }

  add(run: OpenRun): void {
    this.#runs.add(run);
  }

  delete(run: OpenRun): void {
    this.#runs.delete(run);
  }

  /** Waits until no run is active, including runs that start meanwhile. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all([...this.#runs].map((run) => run.closed));
  }

  abortAll(reason: Error): void {
    for (const run of this.#runs) run.abort(reason);
  }

  /**
   * Gives up the runs without an open child, so that their parents can end. Returns them; empty if all open runs have
   * emitted their terminal event, or were given up before.
   */
  giveUpInnermost(reason: Error): readonly OpenRun[] {
    const open = [...this.#runs].filter((one) => !one.run.ended && !this.#givenUp.has(one));
    const around = new Set(open.map(({ run }) => run.parentRunId));
    const innermost = open.filter(({ run }) => !around.has(run.runId));
    for (const one of innermost) {
      this.#givenUp.add(one);
      one.giveUp(reason);
    }
    return innermost;
  }
}
