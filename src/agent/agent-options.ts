import type { RunContext } from '../runs/request-context.js';
import type { Schema } from '../schema/schema.js';
import type { ApprovalDecision } from '../types/agent.js';
import type { MessageInput, ToolCall, ToolChoice } from '../types/message.js';
import type { ToolContext } from '../tools/tool.js';
import type { ToolReference } from '../tools/tool-registry.js';

/** Decides whether a call may be executed; `'pending'` stops the agent with `result.pending`. */
export type Approve = (
  toolCall: ToolCall,
  context: ToolContext,
) => ApprovalDecision | 'pending' | Promise<ApprovalDecision | 'pending'>;

/** The settings of an agent; settings of a run override them one by one. */
export interface AgentSettings<T = unknown> {
  /** The system prompt: who the agent is, and what it does. */
  persona?: string;
  /** Another model than the client's. */
  model?: string;
  /** The maximum number of tokens of each turn's answer; it bounds the cost of a turn. */
  maxOutputTokens?: number;
  /** Of each turn. */
  temperature?: number;
  /** Stop sequences of each turn. */
  stop?: string[];
  /**
   * Whether the model may or must call a tool, and which one. `'required'` and `{ name }` apply until the first turn
   * that calls a tool, then `'auto'` follows, so that the agent can answer. The choice starts anew with each run; a
   * resumed run continues after such a turn.
   * @default 'auto'
   */
  toolChoice?: ToolChoice;
  /** Options of the provider's API, added unchanged to each turn's request; a run's options replace the agent's. */
  providerOptions?: Record<string, unknown>;
  /**
   * The maximum number of turns; beyond it, the run fails with a `MaxStepsExceededError`.
   * @default 10
   */
  maxSteps?: number;
  /** US dollars: no turn starts once so much is spent; an unknown price counts as too much. */
  maxCost?: number;
  /**
   * How many tools of one turn run at once.
   * @default 8
   */
  toolConcurrency?: number;
  /**
   * What happens when a tool throws: `'continue'` sends the error to the model, `'fail'` fails the agent.
   * @default 'continue'
   */
  onToolError?: 'continue' | 'fail';
  /** The schema of the answer: any Standard Schema (zod 4 …) or a JSON Schema; `result.object` is validated. */
  schema?: Schema<T>;
  /**
   * Called for each call of a tool that needs approval; without it, such calls stop the agent with `result.pending`.
   */
  approve?: Approve;
  /** Callbacks of the agent's runs and everything nested in them; a run's callbacks are added to the agent's. */
  callbacks?: object[];
}

/** Options of an agent. */
export interface AgentOptions extends AgentSettings {
  /** The agent's name in errors, and as a tool of another agent. */
  name?: string;
  /**
   * The tools that it may call: names of discovered `@Tool()` methods, provider classes that have some, or
   * `defineTool({ … })`.
   * @default none
   */
  tools?: ToolReference[];
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const AgentOptions: object = Object;

/** Options of `agent.resume()`. */
export interface ResumeOptions<T = unknown> extends Omit<AgentRunOptions<T>, 'messages'> {
  /** Who has decided: `event.approval.approver` of the decided calls. */
  approver?: string | undefined;
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const ResumeOptions: object = Object;

/** Options of one run of an agent. */
export interface AgentRunOptions<T = unknown> extends AgentSettings<T>, RunContext {
  /** The conversation so far, `result.messages` of the previous run: the goal is its next message. */
  messages?: readonly MessageInput[];
  /** Aborts the agent, its tools included. */
  signal?: AbortSignal;
  /** The maximum duration of the whole run, in milliseconds. */
  timeoutMs?: number;
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const AgentRunOptions: object = Object;
