import type { FinishReason } from './llm.js';
import type { Message, ToolCall } from './message.js';
import type { Usage } from './usage.js';

/** What a tool gave back, or why it did not. */
export interface ToolResult {
  /** The id of the call that it answers. */
  toolCallId: string;
  /** The name of the tool. */
  toolName: string;
  /** What the tool returned; absent where it failed. */
  result?: unknown;
  /** Why the call failed, was denied or was refused. */
  error?: { message: string; code?: string };
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolResult: object = Object;

/** One turn of an agent: a model call and the tools that it asked for. */
export interface AgentStep {
  /** From 0. */
  index: number;
  /** `paused`: the provider paused a long turn of its own tools, and the agent goes on with it. */
  action: 'tool_calls' | 'final' | 'paused';
  /** What the model wrote; `''` where it only called tools. */
  text: string;
  /** The tools that the model asked for. */
  toolCalls: ToolCall[];
  /** What came of these calls, in their order. */
  toolResults: ToolResult[];
  /** Tokens of the turn, the calls of its tools included. */
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const AgentStep: object = Object;

/** What an agent's run gave; `T` is what its `schema` makes of the answer. */
export interface AgentResult<T = unknown> {
  /** The text of the last answer; `''` while approvals are waited for. */
  output: string;
  /** With a schema: the answer, validated. Absent while approvals are waited for, and where the reader left. */
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
  /** Why the last answer ended; `'cancelled'` when the reader of the agent's stream stopped reading. */
  finishReason: FinishReason;
  /** Set when the agent waits for approvals, and has no output yet: store it, and give it to `agent.resume()`. */
  pending?: PendingRun;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const AgentResult: object = Object;

/** The answer to one tool call, as the model gets it. */
export interface SettledToolCall extends ToolResult {
  /** The result as the model gets it. */
  content: Message['content'];
}

/** Who an agent's run is made for; a resumed run is made for the same. */
export interface PendingContext {
  /** The user who asked. */
  userId?: string | undefined;
  /** The tenant of that user. */
  tenantId?: string | undefined;
  /** The conversation that the run is part of. */
  conversationId?: string | undefined;
}

/** Shows that a pending run is what this application has made of it; see `forRoot({ approvals })`. */
export interface PendingSignature {
  /** Names the key. */
  keyId: string;
  /** HMAC-SHA256 over the canonical JSON (RFC 8785) of all other fields: 64 lower-case hex digits. */
  hmac: string;
}

/** The turn of a pending run that is not complete: what came of its other calls, and what it used. */
export interface PendingTurn {
  /** The same for each pending run that this turn leads to: by it and its id, a call is made or denied once. */
  id: string;
  /** The answers to the calls that are done. */
  settled: SettledToolCall[];
  /** Tokens of the turn so far. */
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
}

/** An agent's run that waits for approvals: plain JSON, which another process may resume. Store it as it is. */
export interface PendingRun {
  /** The version of this form. */
  v: 2;
  /** The run that stopped here. */
  runId: string;
  /** When it stopped, in epoch milliseconds. */
  createdAt: number;
  /** Who the run is made for. */
  context: PendingContext;
  /** What the agent was asked. */
  goal: string;
  /** The calls that need a decision. */
  toolCalls: ToolCall[];
  /** The transcript, up to the turn that these calls belong to. */
  messages: Message[];
  /** What came of the turn so far. */
  turn: PendingTurn;
  /** The turns before. */
  steps: AgentStep[];
  /** Of all turns so far. */
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
  /** Set where `forRoot({ approvals: { key } })` is. */
  signature?: PendingSignature;
}

/** A pending run of version 1: it does not say who it is made for, and is resumed only where no key is set. */
export interface PendingRunV1 extends Omit<
  PendingRun,
  'v' | 'createdAt' | 'context' | 'signature' | 'turn'
> {
  /** The version of this form. */
  v: 1;
  /** The turn that is not complete; calls are known by their ids alone. */
  turn: Omit<PendingTurn, 'id'>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const PendingRun: object = Object;

/** A person's answer to a call that needs approval. */
export interface ApprovalDecision {
  /** Whether the call may be made. */
  approve: boolean;
  /** Told to the model when the call is denied, and to hooks. */
  reason?: string;
  /** Takes the place of the arguments that the model chose. */
  args?: unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ApprovalDecision: object = Object;
