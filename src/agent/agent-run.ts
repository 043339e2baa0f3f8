import type { CallClaims } from '../approvals/call-claims.js';
import type { StoredRun } from '../approvals/pending-run.js';
import { tooLate } from '../dispatch/compose.js';
import { LlmAbortedError } from '../errors/llm-errors.js';
import {
  AgentEndEvent,
  AgentErrorEvent,
  AgentStartEvent,
  AgentStepEvent,
} from '../events/agent.events.js';
import type { SamplingOptions } from '../llm/check-llm-options.js';
import type { RunRuntime } from '../runs/active-run.js';
import { type Stoppable, type StopSource, watchStops } from '../runs/cancellation.js';
import type { Run } from '../runs/run.js';
import { Totals, TracedRun } from '../runs/traced-run.js';
import type { Schema } from '../schema/schema.js';
import type { CallableTool } from '../tools/tool.js';
import type { AgentResult, AgentStep, ApprovalDecision } from '../types/agent.js';
import type { Message } from '../types/message.js';
import type { Approve } from './agent-options.js';

/** The specification of one run of an agent: its options, checked and with defaults. */
export interface AgentSpec {
  readonly agentName: string | undefined;
  readonly goal: string;
  /** The conversation of the first turn. */
  readonly messages: readonly Message[];
  readonly tools: readonly CallableTool[];
  readonly persona: string | undefined;
  readonly model: string | undefined;
  /** The options of each turn's call. */
  readonly sampling: SamplingOptions;
  readonly maxSteps: number;
  readonly maxCost: number | undefined;
  readonly toolConcurrency: number;
  readonly onToolError: 'continue' | 'fail';
  readonly schema: Schema | undefined;
  readonly approve: Approve | undefined;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly streaming: boolean;
  /** Set if the run resumes another one. */
  readonly resumed: Resumption | undefined;
}

/** How a run resumes another one. */
export interface Resumption {
  readonly pending: StoredRun;
  /** By id of the call. */
  readonly decisions: ReadonlyMap<string, ApprovalDecision>;
  /** Who has decided. */
  readonly approver: string | undefined;
  /** Ensures that each call of the turn is executed or denied once. */
  readonly claims: CallClaims;
}

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
