import type { RunContext } from '../runs/request-context.js';
import type { Schema } from '../schema/schema.js';
import type { ApprovalDecision } from '../types/agent.js';
import type { MessageInput, ToolCall, ToolChoice } from '../types/message.js';
import type { ToolContext } from '../tools/tool-types.js';
import type { ToolReference } from '../tools/tool-registry.js';

/** Asks whether a call may be made; `'pending'` stops the agent with `result.pending`. */
export type Approve = (
  toolCall: ToolCall,
  context: ToolContext,
) => ApprovalDecision | 'pending' | Promise<ApprovalDecision | 'pending'>;

/** The settings of an agent; those of a run take their place one by one. */
export interface AgentSettings<T = unknown> {
  /** The system text: who the agent is, and what it is to do. */
  persona?: string;
  /** Another model than the client's. */
  model?: string;
  /** The most tokens of each turn's answer; what a turn can cost at most follows from it. */
  maxOutputTokens?: number;
  /** Of each turn. */
  temperature?: number;
  /** Texts at which each turn's answer stops. */
  stop?: string[];
  /**
   * Whether, and which, tool the model may or must call. `'required'` and `{ name }` hold until the first turn in which
   * a tool is called, and `'auto'` follows, so that the agent can answer. The choice starts anew with each run; a resumed
   * run continues behind such a turn.
   * @default 'auto'
   */
  toolChoice?: ToolChoice;
  /** Options of the provider's API, added to each turn's request as they are; those of a run replace the agent's. */
  providerOptions?: Record<string, unknown>;
  /**
   * How many turns it may make; then it fails with a `MaxStepsExceededError`.
   * @default 10
   */
  maxSteps?: number;
  /** US dollars: no turn begins once so much is spent; a price that is not known counts as too much. */
  maxCost?: number;
  /**
   * How many tools of one turn run at once.
   * @default 8
   */
  toolConcurrency?: number;
  /**
   * What a tool that throws does: `'continue'` tells the model, `'fail'` ends the agent.
   * @default 'continue'
   */
  onToolError?: 'continue' | 'fail';
  /** The form of the answer: any Standard Schema (zod 4 …) or a JSON Schema; `result.object` is validated. */
  schema?: Schema<T>;
  /** Asked for each call of a tool that needs approval; without it, such calls stop the agent with `result.pending`. */
  approve?: Approve;
  /** Callbacks of the agent's runs and everything nested in them; those of a run are added to the agent's. */
  callbacks?: object[];
}

/** Options of an agent. */
export interface AgentOptions extends AgentSettings {
  /** Names it in errors, and as a tool of another agent. */
  name?: string;
  /**
   * The tools that it may call: names of discovered `@Tool()` methods, classes of providers that have some, or
   * `defineTool({ … })`.
   * @default none
   */
  tools?: ToolReference[];
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const AgentOptions: object = Object;

/** Options of `agent.resume()`. */
export interface ResumeOptions<T = unknown> extends Omit<AgentRunOptions<T>, 'messages'> {
  /** Who has decided: `event.approval.approver` of the calls that were decided. */
  approver?: string | undefined;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ResumeOptions: object = Object;

/** Options of one run of an agent. */
export interface AgentRunOptions<T = unknown> extends AgentSettings<T>, RunContext {
  /** The conversation so far, `result.messages` of the run before: the goal is its next message. */
  messages?: readonly MessageInput[];
  /** Aborts the agent, its tools included. */
  signal?: AbortSignal;
  /** How long the whole run may take, in milliseconds. */
  timeoutMs?: number;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const AgentRunOptions: object = Object;
