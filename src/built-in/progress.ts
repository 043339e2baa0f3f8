import { describeError, type ErrorJson } from '../errors/callbacks-error.js';
import type { AgentEndEvent, AgentErrorEvent, AgentStepEvent } from '../events/agent.events.js';
import type {
  LlmEndEvent,
  LlmErrorEvent,
  LlmStartEvent,
  LlmStreamChunkEvent,
} from '../events/llm.events.js';
import {
  OnAgentEnd,
  OnAgentError,
  OnAgentStep,
  OnLlmEnd,
  OnLlmError,
  OnLlmStart,
  OnLlmStreamChunk,
} from '../handlers/decorators.js';
import type { AgentResult, AgentStep } from '../types/agent.js';
import { brand } from '../util/brand.js';

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

export interface StreamingProgressOptions {
  /** Called with each piece of text. */
  onChunk: (text: string) => unknown;
  /** Called when a stream has ended, read completely or not; not when it fails. */
  onComplete?: () => unknown;
}

/**
 * Passes on the text of streamed answers as it arrives.
 *
 * @example
 * ```ts
 * const progress = new StreamingProgress({ onChunk: (text) => process.stdout.write(text) });
 * await llm.stream('Tell me a story', { callbacks: [progress] }).response;
 * ```
 */
export class StreamingProgress {
  static {
    brand(this, 'class:StreamingProgress');
  }

  readonly #streams = new Set<string>();

  constructor(private readonly options: StreamingProgressOptions) {}

  @OnLlmStart({ when: (event) => event.streaming })
  protected begin(event: LlmStartEvent): void {
    this.#streams.add(event.runId);
  }

  @OnLlmStreamChunk({ when: ({ chunk }) => chunk.type === 'text' })
  protected pass({ chunk }: LlmStreamChunkEvent): unknown {
    return chunk.type === 'text' ? this.options.onChunk(chunk.text) : undefined;
  }

  @OnLlmEnd()
  protected complete(event: LlmEndEvent): unknown {
    return this.#streams.delete(event.runId) ? this.options.onComplete?.() : undefined;
  }

  @OnLlmError()
  protected fail(event: LlmErrorEvent): void {
    this.#streams.delete(event.runId);
  }
}
