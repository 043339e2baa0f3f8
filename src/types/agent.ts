import type { FinishReason } from './llm.js';
import type { Message, ToolCall } from './message.js';
import type { Usage } from './usage.js';

/** The result of a tool, or why it failed. */
export interface ToolResult {
  /** The id of the call that it answers. */
  toolCallId: string;
  /** The name of the tool. */
  toolName: string;
  /** What the tool returned; absent where it failed. */
  result?: unknown;
  /** Why the call failed, was denied or was rejected. */
  error?: { message: string; code?: string };
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolResult: object = Object;

/** One turn of an agent: a model call and the tools that it requested. */
export interface AgentStep {
  /** From 0. */
  index: number;
  /** `paused`: the provider paused a long turn of its own tools, and the agent continues it. */
  action: 'tool_calls' | 'final' | 'paused';
  /** What the model wrote; `''` if it only called tools. */
  text: string;
  /** The tools that the model requested. */
  toolCalls: ToolCall[];
  /** The results of these calls, in their order. */
  toolResults: ToolResult[];
  /** Tokens of the turn, the calls of its tools included. */
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const AgentStep: object = Object;

/** The result of an agent's run; `T` is the output of its `schema`. */
export interface AgentResult<T = unknown> {
  /** The text of the last answer; `''` while approvals are pending. */
  output: string;
  /**
   * With a schema: the validated answer. Absent while approvals are pending, and if the consumer cancelled the stream.
   */
  object?: T;
  /** The turns, oldest first. */
  steps: AgentStep[];
  /** The whole transcript. */
  messages: Message[];
  /** Tokens of everything inside the run. */
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
  /** The id of the run, as on its events. */
  runId: string;
  /** Why the last answer ended; `'cancelled'` if the consumer of the agent's stream stopped reading. */
  finishReason: FinishReason;
  /** Set when the agent waits for approvals, and has no output yet: store it, and pass it to `agent.resume()`. */
  pending?: PendingRun;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const AgentResult: object = Object;

/** The answer to one tool call, as the model receives it. */
export interface SettledToolCall extends ToolResult {
  /** The result as the model receives it. */
  content: Message['content'];
}

/** The user, tenant and conversation of an agent's run; a resumed run has the same. */
export interface PendingContext {
  /** The user who started the run. */
  userId?: string | undefined;
  /** The tenant of that user. */
  tenantId?: string | undefined;
  /** The conversation that the run is part of. */
  conversationId?: string | undefined;
}

/** Proves that this application created the pending run; see `forRoot({ approvals })`. */
export interface PendingSignature {
  /** Names the key. */
  keyId: string;
  /** HMAC-SHA256 over the canonical JSON (RFC 8785) of all other fields: 64 lower-case hex digits. */
  hmac: string;
}

/** The incomplete turn of a pending run: the results of its other calls, and its usage. */
export interface PendingTurn {
  /**
   * The same for each pending run from this turn: with the id of a call, it ensures that the call is executed or denied
   * once.
   */
  id: string;
  /** The answers to the completed calls. */
  settled: SettledToolCall[];
  /** Tokens of the turn so far. */
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
}

/** An agent's run that waits for approvals: plain JSON, which another process may resume. Store it unchanged. */
export interface PendingRun {
  /** The version of this format. */
  v: 2;
  /** The run that stopped here. */
  runId: string;
  /** When it stopped, in epoch milliseconds. */
  createdAt: number;
  /** The user, tenant and conversation of the run. */
  context: PendingContext;
  /** The agent's input. */
  goal: string;
  /** The calls that need a decision. */
  toolCalls: ToolCall[];
  /** The transcript, up to the turn that these calls belong to. */
  messages: Message[];
  /** The turn so far. */
  turn: PendingTurn;
  /** The turns before. */
  steps: AgentStep[];
  /** Of all turns so far. */
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
  /** Set if `forRoot({ approvals: { key } })` is set. */
  signature?: PendingSignature;
}

/** A pending run of version 1: it does not name its user, and is resumed only if no key is set. */
export interface PendingRunV1 extends Omit<
  PendingRun,
  'v' | 'createdAt' | 'context' | 'signature' | 'turn'
> {
  /** The version of this format. */
  v: 1;
  /** The incomplete turn; calls are known by their ids alone. */
  turn: Omit<PendingTurn, 'id'>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const PendingRun: object = Object;

/** A person's answer to a call that needs approval. */
export interface ApprovalDecision {
  /** Whether the call may be executed. */
  approve: boolean;
  /** Sent to the model when the call is denied, and to handlers. */
  reason?: string;
  /** Replaces the arguments that the model chose. */
  args?: unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ApprovalDecision: object = Object;
