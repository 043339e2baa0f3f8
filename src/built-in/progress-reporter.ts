import { brand } from '../util/brand.js';
import { OnAgentEnd, OnAgentError, OnAgentStep } from '../handlers/hooks.js';
import { describeError, type ErrorJson } from '../errors/callbacks-error.js';
import type { AgentEndEvent, AgentErrorEvent, AgentStepEvent } from '../events/agent.events.js';
import type { AgentResult, AgentStep } from '../types/agent.js';

/** The progress of an agent; serializable as JSON. */
export type Progress = {
  /** The agent's run; each nested agent has its own. */
  runId: string;
  /** The completed turns, from 1. */
  step: number;
} & (
  | { status: 'in_progress'; action: AgentStep['action'] }
  /** With `result.pending`, the agent has stopped and waits for approvals. */
  | { status: 'complete'; result: AgentResult }
  | { status: 'failed'; error: ErrorJson }
);

export interface ProgressReporterOptions {
  /** Called after each turn of an agent, and when the agent is done; awaited if it returns a promise. */
  onProgress: (progress: Progress) => unknown;
}

/**
 * Reports the progress of agents. The last report contains the whole result: pick what a client may see.
 *
 * @example
 * ```ts
 * const progress = new ProgressReporter({ onProgress: ({ step, status }) => socket.emit('progress', { step, status }) });
 * await agent.run(goal, { callbacks: [progress] });
 * ```
 */
export class ProgressReporter {
  static {
    brand(this, 'class:ProgressReporter');
  }

  constructor(private readonly options: ProgressReporterOptions) {}

  @OnAgentStep()
  protected advance({ runId, step: { index, action } }: AgentStepEvent): unknown {
    return this.options.onProgress({ runId, step: index + 1, action, status: 'in_progress' });
  }

  @OnAgentEnd()
  protected complete({ runId, steps, result }: AgentEndEvent): unknown {
    return this.options.onProgress({ runId, step: steps.length, status: 'complete', result });
  }

  @OnAgentError()
  protected fail({ runId, steps, error }: AgentErrorEvent): unknown {
    const failure = describeError(error);
    return this.options.onProgress({ runId, step: steps.length, status: 'failed', error: failure });
  }
}
