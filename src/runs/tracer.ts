import { Injectable } from '@nestjs/common';
import { METHOD_RUNNER, type MethodRunner, type MethodWork } from './method-runner.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { OpenRuns } from './open-runs.js';
import { RunFactory } from './run-factory.js';
import type { RunRuntime } from './active-run.js';
import { callInTurn, callNow } from './calls.js';
import { chainEvents } from './chain-events.js';
import { interceptTool, type ToolRequest } from './intercept-tool.js';
import { retrievalEvents } from './retrieval-events.js';
import { toolEvents } from './tool-events.js';
import { LazyContext, type WorkContext } from './work-context.js';
import { TracedRun, type WorkEvents } from './traced-run.js';

/** Runs user functions as runs, with events, and nests the runs inside under them. */
@Injectable()
export class Tracer implements MethodRunner, RunRuntime {
  readonly [METHOD_RUNNER]: typeof METHOD_RUNNER = METHOD_RUNNER;

  constructor(
    private readonly runs: RunFactory,
    readonly dispatcher: Dispatcher,
    readonly openRuns: OpenRuns,
  ) {}

  callNow<R>(work: MethodWork, method: () => R): R {
    return callNow(this.#workRun(eventsOf(work)), method);
  }

  callInTurn<R>(work: MethodWork, method: () => R): Promise<Awaited<R>> {
    return callInTurn(this.#workRun(eventsOf(work)), method);
  }

  /** Calls a function with `input`, for a caller that waits. */
  call<I, R>(
    events: WorkEvents<unknown>,
    input: I,
    fn: (input: I, context: WorkContext) => R,
  ): Promise<Awaited<R>> {
    const work = this.#workRun(events);
    return callInTurn(work, () => fn(input, new LazyContext(work.run)));
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

  #workRun(events: WorkEvents<unknown>): TracedRun<unknown> {
    return new TracedRun(this.runs.create({}), this, events);
  }
}

function eventsOf(work: MethodWork): WorkEvents<unknown> {
  return work.kind === 'chain'
    ? chainEvents(work.name, work.input)
    : retrievalEvents(work.query, work.source);
}
