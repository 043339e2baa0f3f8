import { tooLate } from '../dispatch/intercept.js';
import { LlmAbortedError } from '../errors/llm-errors.js';
import {
  AgentEndEvent,
  AgentErrorEvent,
  AgentStartEvent,
  AgentStepEvent,
} from '../events/agent.events.js';
import { Totals } from '../runs/totals.js';
import { watchStops, type Stoppable, type StopSource } from '../runs/run-stops.js';
import type { Run } from '../runs/run.js';
import type { RunRuntime } from '../runs/active-run.js';
import type { AgentResult, AgentStep } from '../types/agent.js';
import { TracedRun } from '../runs/traced-run.js';
import type { AgentSpec } from './agent-spec.js';

/** Why an agent stops when its consumer is gone. */
export const READER_LEFT = 'The reader of the stream stopped reading.';

/** One run of an agent, with its steps and usage so far. */
export class AgentRun extends TracedRun<AgentResult> implements Stoppable, StopSource {
  readonly steps: AgentStep[];
  /** Of all turns; for a resumed run, also of the turns before it. */
  readonly totals = new Totals();
  /** Of the current turn. */
  turn = new Totals();
  #unwatch: (() => void) | undefined;
  readonly #onAbort = new Set<(reason: unknown) => void>();
  readonly #onCancel: (() => void)[] = [];
  #stopSignal: AbortSignal | undefined;
  #cancelled = false;

  constructor(
    run: Run,
    runtime: RunRuntime,
    readonly spec: AgentSpec,
  ) {
    const { agentName, goal, persona, tools } = spec;
    super(run, runtime, {
      start: () => {
        const specs = tools.map((tool) => tool.spec);
        return new AgentStartEvent(run, { agentName, goal, persona, tools: specs });
      },
      end: (_run, result, durationMs) => {
        const { steps, usage, cost } = result;
        return new AgentEndEvent(run, { agentName, result, steps, usage, cost, durationMs });
      },
      error: (_run, failure) => {
        const { usage, cost } = this.totals;
        return new AgentErrorEvent(run, { agentName, ...failure, steps: this.steps, usage, cost });
      },
    });
    const { resumed } = spec;
    this.steps = [...(resumed?.pending.steps ?? [])];
    if (resumed) this.totals.add(resumed.pending.usage, resumed.pending.cost);
    run.whenAborted((reason) => {
      for (const stop of this.#onAbort) stop(reason);
    });
    run.onSpent = (usage, cost) => {
      this.totals.add(usage, cost);
      this.turn.add(usage, cost);
    };
  }

  /** Whether the consumer stopped reading; the agent then completes, whereas an abort makes it fail. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  override begin(): void | Promise<void> {
    const { timeoutMs, signal } = this.spec;
    const clientLeft = this.run.context.signal;
    this.#unwatch = watchStops({ timeoutMs, signal, clientLeft }, this, 'agent');
    return super.begin();
  }

  override succeed(result: AgentResult): void | Promise<void> {
    this.#unwatch?.();
    return super.succeed(result);
  }

  override fail(thrown: unknown): ReturnType<TracedRun<AgentResult>['fail']> {
    this.#unwatch?.();
    return super.fail(thrown);
  }

  /** Fires when the run is aborted, and when its consumer stops reading. */
  get stopSignal(): AbortSignal {
    if (this.#stopSignal === undefined) {
      const left = new AbortController();
      const leave = () => left.abort(READER_LEFT);
      if (this.#cancelled) leave();
      else this.whenCancelled(leave);
      this.#stopSignal = AbortSignal.any([this.run.signal, left.signal]);
    }
    return this.#stopSignal;
  }

  /** Records a completed turn and emits its event. The result must be awaited. */
  step(step: AgentStep): void | Promise<void> {
    // Nothing is emitted after the end: an interceptor may have answered without waiting for this turn.
    if (this.run.ended) throw tooLate('agent');
    this.steps.push(step);
    return this.dispatch(new AgentStepEvent(this.run, { agentName: this.spec.agentName, step }));
  }

  /** Adds what to stop on an abort: one per loop, because interceptors may start several. */
  whenAborted(stop: (reason: unknown) => void): void {
    if (this.run.aborted) stop(this.run.reason);
    else this.#onAbort.add(stop);
  }

  forget(stop: (reason: unknown) => void): void {
    this.#onAbort.delete(stop);
  }

  /** Adds a listener for when the consumer stops reading. */
  whenCancelled(listener: () => void): void {
    this.#onCancel.push(listener);
  }

  /** Records that the consumer stopped reading. */
  cancel(): void {
    if (this.run.ended || this.run.aborted || this.#cancelled) return;
    this.#cancelled = true;
    for (const undo of this.#onCancel) undo();
  }

  disconnect(cause: unknown): void {
    if (this.spec.streaming) this.cancel();
    else {
      this.abort(
        new LlmAbortedError('The agent was aborted because the client of the request left.', {
          cause,
        }),
      );
    }
  }
}
