import { LlmAbortedError } from '../errors/llm-errors.js';
import { ChainEndEvent, ChainErrorEvent, ChainStartEvent } from '../events/chain.events.js';
import type { CallbackEvent } from '../events/event-map.js';
import {
  RetrievalEndEvent,
  RetrievalErrorEvent,
  RetrievalStartEvent,
} from '../events/retrieval.events.js';
import {
  type ToolCallInfo,
  ToolEndEvent,
  ToolErrorEvent,
  ToolStartEvent,
} from '../events/tool.events.js';
import { addUsage, NO_USAGE, type Usage } from '../types/usage.js';
import { isThenable, promised } from '../util/promises.js';
import { ActiveRun, type RunRuntime } from './active-run.js';
import type { Outcome } from './cold-stream.js';
import type { Run } from './run.js';

/** The failure of a traced run. */
interface WorkFailure {
  readonly error: Error;
  readonly aborted: boolean;
  readonly durationMs: number;
}

/** Creates the events of one kind of run. */
export interface WorkEvents<R> {
  start(run: Run): CallbackEvent;
  end(run: Run, result: R, durationMs: number): CallbackEvent;
  error(run: Run, failure: WorkFailure): CallbackEvent;
}

/** The life cycle of a run around user code: a tool, a chain, a retrieval, an agent. */
export class TracedRun<R> extends ActiveRun<R> {
  /** The start event. */
  startEvent: CallbackEvent | undefined;
  #startedAt: number | undefined;
  /** Set while start handlers are still running for work that did not wait for them. */
  #starting: Promise<void> | undefined;
  /** Ends the wait for the work, if there is one. */
  #stopWaiting: ((reason: Error) => void) | undefined;

  constructor(
    run: Run,
    runtime: RunRuntime,
    private readonly events: WorkEvents<R>,
  ) {
    super(run, runtime);
  }

  /** Settles, and never rejects, when the start handlers are done; `undefined` afterwards. */
  get starting(): Promise<void> | undefined {
    return this.#starting;
  }

  start(): void | Promise<void> {
    this.open();
    this.startEvent = this.events.start(this.run);
    const dispatching = this.dispatchStart(this.startEvent);
    if (dispatching !== undefined) return dispatching.then(() => this.#started());
    this.#started();
  }

  /**
   * {@link start} for work that cannot wait: throws the error of a synchronous critical handler. A later error aborts
   * the run, unless it has been released by then.
   */
  startNow(): void {
    this.open();
    this.startEvent = this.events.start(this.run);
    this.bindContext(this.startEvent);
    const late = this.runtime.dispatcher.dispatchNow(this.startEvent, this.run);
    if (late !== undefined) {
      this.#starting = late.settled
        .catch((error: unknown) => this.run.abort(error))
        .then(() => void (this.#starting = undefined));
      if (late.refused !== undefined) throw late.refused.error;
    }
    this.#started();
  }

  /** Waits for start handlers that are still running. */
  complete(outcome: Outcome<R>): R | Promise<R> {
    const durationMs = this.#durationMs;
    return this.#starting === undefined
      ? this.#end(outcome, durationMs)
      : this.#starting.then(() => this.#end(outcome, durationMs));
  }

  /**
   * {@link complete} for work whose caller does not wait: throws the outcome's error, or the error of a synchronous
   * critical end handler.
   */
  completeNow(outcome: Outcome<R>): R {
    if ('error' in outcome || this.#starting !== undefined) {
      // Handlers cannot fail a released run.
      this.run.release();
      const ending = promised(() => this.complete(outcome));
      ending.catch(() => undefined);
      if ('error' in outcome) throw outcome.error;
      return outcome.result;
    }
    const durationMs = this.#durationMs;
    const { result } = outcome;
    if (!this.end()) return result;
    const refused = this.dispatchLastNow(this.events.end(this.run, result, durationMs));
    this.run.release();
    if (refused !== undefined) throw refused.error;
    return result;
  }

  /** Runs asynchronous work as this run; the caller completes it, unless the work fails. */
  attempt(work: () => R | Promise<R>): Promise<R> {
    return this.#do(work, false);
  }

  /** Runs asynchronous work as this run, from its start to its end; the end event precedes the result. */
  perform(work: () => R | Promise<R>): Promise<R> {
    return this.#do(work, true);
  }

  /** Stops waiting for work that ignores its signal. */
  override giveUp(reason: Error): void {
    super.giveUp(reason);
    this.#stopWaiting?.(reason);
  }

  async #do(work: () => R | Promise<R>, isWhole: boolean): Promise<R> {
    let result: R;
    try {
      const starting = this.start();
      if (starting !== undefined) await starting;
      result = await this.#waitFor(this.run.inside(work));
      if (this.run.aborted) throw this.run.reason as Error;
    } catch (error) {
      return this.complete({ error });
    }
    if (!isWhole) return result;
    const ending = this.complete({ result });
    return ending instanceof Promise ? await ending : ending;
  }

  #end(outcome: Outcome<R>, durationMs: number): R | Promise<R> {
    if ('error' in outcome) return this.#fail(outcome.error, durationMs);
    const { result } = outcome;
    if (!this.end()) return result;
    const dispatching = this.dispatchLast(this.events.end(this.run, result, durationMs));
    return dispatching === undefined ? result : dispatching.then(() => result);
  }

  #fail(thrown: unknown, durationMs: number): Promise<never> {
    // The caller gets the thrown value unchanged.
    const error = (this.run.aborted ? this.run.reason : thrown) as Error;
    if (!this.end()) throw error;
    const aborted = error instanceof LlmAbortedError;
    // Stops nested work, and handlers that are still running.
    this.run.abort(error);
    const event = this.events.error(this.run, { error: asError(error), aborted, durationMs });
    const dispatching = this.dispatchLast(event);
    if (dispatching === undefined) throw error;
    return dispatching.then(() => {
      throw error;
    });
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
}

/** The thrown value as an error for events; the text of a non-error may contain anything. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new Error('Something was thrown that is no Error; it is the cause.', { cause: thrown });
}

/** The events of one tool call; its arguments and approval are read when each event is created. */
export function toolEvents(call: ToolCallInfo): WorkEvents<unknown> {
  const info = (): ToolCallInfo => ({
    toolName: call.toolName,
    toolCallId: call.toolCallId,
    args: call.args,
    approval: call.approval,
  });
  return {
    start: (run) => new ToolStartEvent(run, info()),
    end: (run, result, durationMs) => new ToolEndEvent(run, { ...info(), result, durationMs }),
    error: (run, failure) => new ToolErrorEvent(run, { ...info(), ...failure }),
  };
}

/** The events of a chain. */
export function chainEvents(chainName: string, input: unknown): WorkEvents<unknown> {
  return {
    start: (run) => new ChainStartEvent(run, { chainName, input }),
    end: (run, result, durationMs) => new ChainEndEvent(run, { chainName, result, durationMs }),
    error: (run, failure) => new ChainErrorEvent(run, { chainName, ...failure }),
  };
}

/** The events of a retrieval; its query is read when each event is created. */
export function retrievalEvents(
  info: { readonly query: unknown },
  source: string | undefined,
): WorkEvents<unknown> {
  return {
    start: (run) => new RetrievalStartEvent(run, { query: info.query, source }),
    end: (run, documents, durationMs) =>
      new RetrievalEndEvent(run, { query: info.query, source, documents, durationMs }),
    error: (run, failure) =>
      new RetrievalErrorEvent(run, { query: info.query, source, ...failure }),
  };
}

/** The total usage and cost of several calls. */
export class Totals {
  #usage: Usage = { ...NO_USAGE };
  #cost: number | null = 0;

  get usage(): Usage {
    return this.#usage;
  }

  /** US dollars; `null` if one of the prices is unknown. */
  get cost(): number | null {
    return this.#cost;
  }

  add(usage: Usage, cost: number | null): void {
    this.#usage = addUsage(this.#usage, usage);
    this.#cost = this.#cost === null || cost === null ? null : this.#cost + cost;
  }
}
