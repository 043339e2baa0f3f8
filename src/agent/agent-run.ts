import type { CallClaims } from '../approvals/approvals.js';
import type { StoredRun } from '../approvals/pending-run.js';
import { tooLate } from '../dispatch/compose.js';
import {
  AgentEndEvent,
  AgentErrorEvent,
  AgentStartEvent,
  AgentStepEvent,
} from '../events/agent.events.js';
import type { SamplingOptions } from '../llm/check-llm-options.js';
import { READER_LEFT, type RunRuntime } from '../runs/active-run.js';
import { Cancellation, type StopSources } from '../runs/cancellation.js';
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

/** One run of an agent, with its steps and usage so far. */
export class AgentRun extends TracedRun<AgentResult> {
  readonly steps: AgentStep[];
  /** Of all turns; for a resumed run, also of the turns before it. */
  readonly totals = new Totals();
  /** Of the current turn. */
  turn = new Totals();
  /** Fires when the consumer stops reading. */
  readonly reader = new Cancellation();
  #stopSignal: AbortSignal | undefined;

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
    run.onSpent = (usage, cost) => {
      this.totals.add(usage, cost);
      this.turn.add(usage, cost);
    };
  }

  /** Fires when the run is aborted, and when its consumer stops reading. */
  get stopSignal(): AbortSignal {
    if (this.#stopSignal === undefined) {
      this.#stopSignal = AbortSignal.any([this.run.signal, this.reader.signal]);
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

  protected override onCancel(): void {
    this.reader.abort(READER_LEFT);
  }

  protected override stopSources(): StopSources {
    const { timeoutMs, signal, streaming } = this.spec;
    const clientLeft = this.run.context.signal;
    return { what: 'agent', streaming, timeoutMs, signal, clientLeft };
  }
}
