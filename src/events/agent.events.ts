import { brand } from '../util/brand.js';
import type { AgentResult, AgentStep } from '../types/agent.js';
import type { ToolSpec } from '../types/message.js';
import type { Usage } from '../types/usage.js';
import { RunEvent, TerminalEvent } from './event.js';
import type { RunInfo } from './run-info.js';

/** An agent begins. Heard by `@OnAgentStart()`. */
export class AgentStartEvent extends RunEvent {
  static {
    brand(this, 'class:AgentStartEvent');
  }

  readonly type = 'agent.start';
  /** What the agent is called; the name of its feature, `'default'` for that of `forRoot`. */
  readonly agentName: string | undefined;
  /** What the agent was asked to do. */
  readonly goal: string;
  /** The agent's system text. */
  readonly persona: string | undefined;
  /** The tools that it may call. */
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

/** An agent finished a turn: the model's answer and the results of the tools that it called. Heard by `@OnAgentStep()`. */
export class AgentStepEvent extends RunEvent {
  static {
    brand(this, 'class:AgentStepEvent');
  }

  readonly type = 'agent.step';
  /** What the agent is called; the name of its feature, `'default'` for that of `forRoot`. */
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

/** An agent is done. Heard by `@OnAgentEnd()`. */
export class AgentEndEvent extends TerminalEvent {
  static {
    brand(this, 'class:AgentEndEvent');
  }

  readonly type = 'agent.end';
  /** What the agent is called; the name of its feature, `'default'` for that of `forRoot`. */
  readonly agentName: string | undefined;
  readonly result: AgentResult;
  readonly steps: readonly AgentStep[];
  /** Sum over the agent's calls. */
  readonly usage: Usage;
  /** US dollars; `null` when a price is not known. */
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

/** An agent failed or was aborted. Heard by `@OnAgentError()`. */
export class AgentErrorEvent extends TerminalEvent {
  static {
    brand(this, 'class:AgentErrorEvent');
  }

  readonly type = 'agent.error';
  /** What the agent is called; the name of its feature, `'default'` for that of `forRoot`. */
  readonly agentName: string | undefined;
  /** What the caller gets. */
  readonly error: Error;
  /** The turns that were finished by then. */
  readonly steps: readonly AgentStep[];
  /** Tokens used by then. */
  readonly usage: Usage;
  /** US dollars; `null` when a price is not known. */
  readonly cost: number | null;
  /** Whether it was stopped on purpose rather than failed. */
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
