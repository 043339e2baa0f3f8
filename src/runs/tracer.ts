import { Injectable } from '@nestjs/common';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { CustomCallbackEvent } from '../events/callback.events.js';
import { checkCustomName } from '../events/event-map.js';
import { isThenable } from '../util/promises.js';
import { OpenRuns, type RunRuntime } from './active-run.js';
import {
  type ChainRequest,
  interceptMethod,
  interceptTool,
  type RetrievalRequest,
  type ToolRequest,
} from './intercept-work.js';
import { trackStream } from './result-streams/track-stream.js';
import { RunFactory } from './run-factory.js';
import type { Run } from './run.js';
import {
  chainEvents,
  retrievalEvents,
  toolEvents,
  TracedRun,
  type WorkEvents,
} from './traced-run.js';

/** The kind of run of a decorated method. */
export type MethodWork =
  | { readonly kind: 'chain'; readonly name: string; readonly input: unknown }
  | { readonly kind: 'retrieval'; readonly query: unknown; readonly source: string | undefined };

/** Calls the method with the input of the chain, or the query of the retrieval, which interceptors may have changed. */
type MethodOf<R> = (changed: unknown) => R;

/** Runs decorated methods of one application. */
export interface MethodRunner {
  /** Its own token, which no test double has here: auto-mocks imitate every other member of a runner. */
  readonly [METHOD_RUNNER]: typeof METHOD_RUNNER;
  /** For a synchronous function: returns its result immediately. */
  callNow<R>(work: MethodWork, method: MethodOf<R>): R;
  /** For an async function: waits for its start handlers. */
  callInTurn<R>(work: MethodWork, method: MethodOf<R>): Promise<Awaited<R>>;
}

/** The token of an application's {@link MethodRunner}, and the property that Nest injects it into. */
export const METHOD_RUNNER: unique symbol = Symbol.for('nestjs-llm-callbacks:method-runner');

/** Whether it is the runner of an application, and not a test double. */
export function isMethodRunner(value: unknown): value is MethodRunner {
  return (value as Partial<MethodRunner> | undefined)?.[METHOD_RUNNER] === METHOD_RUNNER;
}

/** Runs user functions as runs, with events, and nests the runs inside under them. */
@Injectable()
export class Tracer implements MethodRunner, RunRuntime {
  readonly [METHOD_RUNNER]: typeof METHOD_RUNNER = METHOD_RUNNER;

  constructor(
    private readonly runs: RunFactory,
    readonly dispatcher: Dispatcher,
    readonly openRuns: OpenRuns,
  ) {}

  callNow<R>(work: MethodWork, method: MethodOf<R>): R {
    const { traced, call } = this.#through(work, method, false);
    return callNow(traced, call);
  }

  callInTurn<R>(work: MethodWork, method: MethodOf<R>): Promise<Awaited<R>> {
    const { traced, call } = this.#through(work, method, true);
    return callInTurn(traced, call);
  }

  /** Calls a function as a chain or retrieval, for a caller that waits. */
  call<R>(
    work: MethodWork,
    fn: (changed: unknown, context: WorkContext) => R,
  ): Promise<Awaited<R>> {
    const method = (changed: unknown, run: Run): R => fn(changed, new LazyContext(run));
    const { traced, call } = this.#through(work, method, true);
    return callInTurn(traced, call);
  }

  /** Calls a function as a tool, through the tool interceptors. */
  callTool<A, R>(
    { toolName, toolCallId, args }: ToolRequest & { readonly args: A },
    fn: (args: A, context: WorkContext) => R,
  ): Promise<Awaited<R>> {
    const info = { toolName, toolCallId, args: args as unknown };
    const work = this.#workRun(toolEvents(info));
    const call = (given: unknown): R => {
      info.args = given;
      return fn(given as A, new LazyContext(work.run));
    };
    return callInTurn(work, () => interceptTool(work, { ...info }, call) as R);
  }

  /** Emits a custom event, and waits for its handlers. */
  async emit(name: string, data: unknown): Promise<void> {
    checkCustomName('emit()', name);
    const run = this.runs.forEvent();
    await this.dispatcher.dispatch(new CustomCallbackEvent(run, { name, data }), run);
  }

  /** The run of a chain or retrieval, and the call of its method through the interceptors. */
  #through<R>(
    work: MethodWork,
    method: (changed: unknown, run: Run) => R,
    isAsync: boolean,
  ): { traced: TracedRun<unknown>; call: () => R } {
    if (work.kind === 'chain') {
      const { kind, name: chainName, input } = work;
      const traced = this.#workRun(chainEvents(chainName, input));
      const request: ChainRequest = { chainName, input };
      const run = (changed: ChainRequest): R => method(changed.input, traced.run);
      return {
        traced,
        call: () => interceptMethod(traced, { kind, request, work: run, isAsync }),
      };
    }
    const { kind, query, source } = work;
    const info = { query };
    const traced = this.#workRun(retrievalEvents(info, source));
    const request: RetrievalRequest = { query, source };
    const run = (changed: RetrievalRequest): R => method((info.query = changed.query), traced.run);
    return {
      traced,
      call: () => interceptMethod(traced, { kind, request, work: run, isAsync }),
    };
  }

  #workRun(events: WorkEvents<unknown>): TracedRun<unknown> {
    return new TracedRun(this.runs.create({}), this, events);
  }
}

/** Runs a function as a run for a caller that waits: from its start handlers to its end handlers. */
async function callInTurn<R>(work: TracedRun<unknown>, fn: () => R): Promise<Awaited<R>> {
  const { run } = work;
  const result = await work.attempt(() => run.orAborted((async () => fn())()));
  return settle(work, result as Awaited<R>);
}

/** Runs a synchronous function as a run: calls it immediately and returns its result immediately. */
function callNow<R>(work: TracedRun<unknown>, fn: () => R): R {
  let result: R;
  try {
    work.startNow();
    result = work.run.inside(fn);
  } catch (error) {
    return work.completeNow({ error }) as R;
  }
  if (isThenable(result)) return settleLater(work, result) as R;
  const tracked = trackStream(work, result);
  if (tracked) return tracked.stream as R;
  return work.completeNow({ result }) as R;
}

async function settleLater<T>(work: TracedRun<unknown>, promised: PromiseLike<T>): Promise<T> {
  let result: T;
  try {
    result = await work.run.orAborted(promised);
    if (work.starting) await work.starting;
    if (work.run.aborted) throw work.run.reason as Error;
  } catch (error) {
    return work.complete({ error }) as Promise<never>;
  }
  return settle(work, result);
}

async function settle<T>(work: TracedRun<unknown>, result: T): Promise<T> {
  const tracked = trackStream(work, result);
  if (tracked) return tracked.stream as T;
  return work.complete({ result }) as T;
}

/** The second argument of a function that runs as a chain, a retrieval or a tool. */
export interface WorkContext {
  /** Fires when the run is aborted, for example by the application's shutdown: stop then. */
  readonly signal: AbortSignal;
  readonly runId: string;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const WorkContext: object = Object;

/** Creates signals and ids on first use. */
export class LazyContext implements WorkContext {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get runId(): string {
    return this.#run.runId;
  }
}
