import { Injectable } from '@nestjs/common';
import type { Dispatcher, PendingDispatch } from '../dispatch/dispatcher.js';
import type { CallbackEvent } from '../events/event-map.js';
import { defer, type Deferred } from '../util/promises.js';
import type { Run } from './run.js';

/** The services that all runs of an application share. */
export interface RunRuntime {
  readonly dispatcher: Dispatcher;
  readonly openRuns: OpenRuns;
}

/**
 * An active run: open from before its start event until its terminal event was dispatched and nothing holds it open.
 */
export abstract class ActiveRun implements OpenRun {
  #closed: Deferred<void> | undefined;
  #held = 0;
  #isDispatched = false;
  #isGivenUp = false;

  constructor(
    readonly run: Run,
    protected readonly runtime: RunRuntime,
  ) {}

  get closed(): Promise<void> {
    this.#closed ??= defer();
    if (!this.runtime.openRuns.has(this)) this.#closed.resolve();
    return this.#closed.promise;
  }

  /** Aborts the run; the first reason becomes its error. */
  abort(reason: Error): void {
    if (!this.run.ended) this.run.abort(reason);
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

  protected open(): void {
    this.runtime.openRuns.add(this);
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
