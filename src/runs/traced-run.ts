import { isThenable } from '../dispatch/promises.js';
import { LlmAbortedError } from '../errors/llm-errors.js';
import type { CallbackEvent } from '../events/event-map.js';
import { ActiveRun, type RunRuntime } from './active-run.js';
import type { Run } from './run.js';

/** How a piece of work came out badly. */
export interface WorkFailure {
  readonly error: Error;
  readonly aborted: boolean;
  readonly durationMs: number;
}

/** The events of one kind of work. */
export interface WorkEvents<R> {
  start(run: Run): CallbackEvent;
  end(run: Run, result: R, durationMs: number): CallbackEvent;
  error(run: Run, failure: WorkFailure): CallbackEvent;
}

/** The life of a run around work that is not ours: a tool, a chain, a retrieval. */
export class TracedRun<R> extends ActiveRun {
  /** What was told first. */
  startEvent: CallbackEvent | undefined;
  #startedAt: number | undefined;
  /** Set while handlers are still told of the start of work that did not wait for them. */
  #starting: Promise<void> | undefined;
  /** Ends the wait for the work, while there is one. */
  #stopWaiting: ((reason: Error) => void) | undefined;

  constructor(
    run: Run,
    runtime: RunRuntime,
    private readonly events: WorkEvents<R>,
  ) {
    super(run, runtime);
  }

  /** Settles, and never rejects, when the start was told; `undefined` when it has been. */
  get starting(): Promise<void> | undefined {
    return this.#starting;
  }

  /**
   * Opens the run and tells its start; fails with what a critical handler threw, or with why it was aborted. What is
   * returned is to be awaited.
   */
  begin(): void | Promise<void> {
    this.open();
    this.startEvent = this.events.start(this.run);
    const dispatching = this.dispatch(this.startEvent);
    if (dispatching !== undefined) return dispatching.then(() => this.#started());
    this.#started();
  }

  /**
   * {@link begin} for work that cannot wait: fails with what a critical handler threw at once. What one throws later
   * aborts the run, unless that was released by then.
   */
  beginNow(): void {
    this.open();
    const late = this.runtime.dispatcher.dispatchNow(this.events.start(this.run), this.run);
    if (late !== undefined) {
      this.#starting = late.settled
        .catch((error: unknown) => this.run.abort(error))
        .then(() => void (this.#starting = undefined));
      if (late.refused !== undefined) throw late.refused.error;
    }
    this.#started();
  }

  /** Ends the run well; fails with what a critical end handler threw. What is returned is to be awaited. */
  succeed(result: R): void | Promise<void> {
    const durationMs = this.#durationMs;
    return this.#afterStart(() => {
      if (!this.run.end()) return undefined;
      return this.dispatchLast(this.events.end(this.run, result, durationMs));
    });
  }

  /** {@link succeed} for work whose caller goes on: throws what a critical end handler threw at once. */
  succeedNow(result: R): void {
    if (this.#starting !== undefined) {
      this.run.release();
      // Of a released run nothing is refused: this does not reject.
      void this.succeed(result);
      return;
    }
    const durationMs = this.#durationMs;
    if (!this.run.end()) return;
    const refused = this.dispatchLastNow(this.events.end(this.run, result, durationMs));
    this.run.release();
    if (refused !== undefined) throw refused.error;
  }

  /** Ends the run in its error event, unless it ended before. Returns what the caller gets: the first cause. */
  fail(thrown: unknown): Error | Promise<Error> {
    const durationMs = this.#durationMs;
    return this.#afterStart(() => {
      // Whatever was thrown, the caller gets it as it is.
      const error = (this.run.aborted ? this.run.reason : thrown) as Error;
      if (!this.run.end()) return error;
      const aborted = error instanceof LlmAbortedError;
      // Stops what was begun inside and what its handlers still do.
      this.run.abort(error);
      const event = this.events.error(this.run, { error: asError(error), aborted, durationMs });
      const dispatching = this.dispatchLast(event);
      return dispatching === undefined ? error : dispatching.then(() => error);
    });
  }

  /** Does asynchronous work as this run, up to its end, which is the caller's to tell. */
  attempt(work: () => R | Promise<R>): Promise<R> {
    return this.#do(work, false);
  }

  /** Does asynchronous work as this run: from its start to its end, which is told before the result is given. */
  complete(work: () => R | Promise<R>): Promise<R> {
    return this.#do(work, true);
  }

  /** Work that ignores its signal is waited for, unless the run is given up. */
  override giveUp(reason: Error): void {
    super.giveUp(reason);
    this.#stopWaiting?.(reason);
  }

  async #do(work: () => R | Promise<R>, isWhole: boolean): Promise<R> {
    let result: R;
    try {
      const beginning = this.begin();
      if (beginning !== undefined) await beginning;
      result = await this.#waitFor(this.run.inside(work));
      if (this.run.aborted) throw this.run.reason as Error;
    } catch (error) {
      throw await this.fail(error);
    }
    const ending = isWhole ? this.succeed(result) : undefined;
    if (ending !== undefined) await ending;
    return result;
  }

  #waitFor(working: R | Promise<R>): R | Promise<R> {
    if (!isThenable(working)) return working;
    return new Promise<R>((resolve, reject) => {
      this.#stopWaiting = reject;
      working.then(resolve, reject);
    });
  }

  get #durationMs(): number {
    return this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt;
  }

  #started(): void {
    if (this.run.aborted) throw this.run.reason as Error;
    this.#startedAt = performance.now();
  }

  #afterStart<T>(ending: () => T | Promise<T>): T | Promise<T> {
    return this.#starting === undefined ? ending() : this.#starting.then(ending);
  }
}

/** What was thrown, as events carry it; its text may hold anything when it is no error. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error('Something was thrown that is no Error; it is the cause.', { cause: thrown });
}
