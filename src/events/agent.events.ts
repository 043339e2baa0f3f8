import { brand } from '../util/brand.js';
import type { AgentResult, AgentStep } from '../types/agent.js';
import type { ToolSpec } from '../types/message.js';
import type { Usage } from '../types/usage.js';
import { RunEvent, type RunInfo, TerminalEvent } from './event.js';

/** An agent run starts. Handled by `@OnAgentStart()`. */
export class AgentStartEvent extends RunEvent {
  static {
    brand(this, 'class:AgentStartEvent');
  }

  readonly type = 'agent.start';
  /** The name of the agent: its feature's name, or `'default'` for the agent of `forRoot`. */
  readonly agentName: string | undefined;
  /** The goal that the agent was given. */
  readonly goal: string;
  /** The agent's system text. */
  readonly persona: string | undefined;
  /** The tools that the agent may call. */
  readonly tools: readonly ToolSpec[];

  constructor(
    run: RunInfo,
    payload: {
      agentName: string | undefined;
      goal: string;
      persona?: string | undefined;
      tools: readonly ToolSpec[];
    },
  ) {
    super(run);
    this.agentName = payload.agentName;
    this.goal = payload.goal;
    this.persona = payload.persona;
    this.tools = payload.tools;
  }

  protected fields(): readonly string[] {
    return ['agentName', 'goal', 'persona', 'tools'];
  }
}

/** An agent completed a turn: the model's answer and the results of its tool calls. Handled by `@OnAgentStep()`. */
export class AgentStepEvent extends RunEvent {
  static {
    brand(this, 'class:AgentStepEvent');
  }

  readonly type = 'agent.step';
  /** The name of the agent: its feature's name, or `'default'` for the agent of `forRoot`. */
  readonly agentName: string | undefined;
  readonly step: AgentStep;

  constructor(run: RunInfo, payload: { agentName: string | undefined; step: AgentStep }) {
    super(run);
    this.agentName = payload.agentName;
    this.step = payload.step;
  }

  protected fields(): readonly string[] {
    return ['agentName', 'step'];
  }
}

/** An agent run completed. Handled by `@OnAgentEnd()`. */
export class AgentEndEvent extends TerminalEvent {
  static {
    brand(this, 'class:AgentEndEvent');
  }

  readonly type = 'agent.end';
  /** The name of the agent: its feature's name, or `'default'` for the agent of `forRoot`. */
  readonly agentName: string | undefined;
  readonly result: AgentResult;
  readonly steps: readonly AgentStep[];
  /** Sum over the agent's calls. */
  readonly usage: Usage;
  /** US dollars; `null` if a price is unknown. */
  readonly cost: number | null;
  /** Milliseconds, monotonic. */
  readonly durationMs: number;

  constructor(
    run: RunInfo,
    payload: {
      agentName: string | undefined;
      result: AgentResult;
      steps: readonly AgentStep[];
      usage: Usage;
      cost: number | null;
      durationMs: number;
    },
  ) {
    super(run);
    this.agentName = payload.agentName;
    this.result = payload.result;
    this.steps = payload.steps;
    this.usage = payload.usage;
    this.cost = payload.cost;
    this.durationMs = payload.durationMs;
  }

  protected fields(): readonly string[] {
    return ['agentName', 'result', 'steps', 'usage', 'cost', 'durationMs'];
  }
}

/** An agent run failed or was aborted. Handled by `@OnAgentError()`. */
export class AgentErrorEvent extends TerminalEvent {
  static {
    brand(this, 'class:AgentErrorEvent');
  }

  readonly type = 'agent.error';
  /** The name of the agent: its feature's name, or `'default'` for the agent of `forRoot`. */
  readonly agentName: string | undefined;
  /** The error that the caller receives. */
  readonly error: Error;
  /** The turns completed by then. */
  readonly steps: readonly AgentStep[];
  /** Tokens used by then. */
  readonly usage: Usage;
  /** US dollars; `null` if a price is unknown. */
  readonly cost: number | null;
  /** Whether the run was aborted rather than failed. */
  readonly aborted: boolean;
  /** Milliseconds, monotonic. */
  readonly durationMs: number;

  constructor(
    run: RunInfo,
    payload: {
      agentName: string | undefined;
      error: Error;
      steps: readonly AgentStep[];
      usage: Usage;
      cost: number | null;
      aborted: boolean;
      durationMs: number;
    },
  ) {
    super(run);
    this.agentName = payload.agentName;
    this.error = payload.error;
    this.steps = payload.steps;
    this.usage = payload.usage;
    this.cost = payload.cost;
    this.aborted = payload.aborted;
    this.durationMs = payload.durationMs;
  }

  protected fields(): readonly string[] {
    return ['agentName', 'error', 'steps', 'usage', 'cost', 'aborted', 'durationMs'];
  }
}
