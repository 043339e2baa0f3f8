import type { FinishReason } from './llm.js';
import type { Message, ToolCall } from './message.js';
import type { Usage } from './usage.js';

/** What a tool gave back, or why it did not. */
export interface ToolResult {
  toolCallId: string;
  toolName: string;
  result?: unknown;
  error?: { message: string; code?: string };
}

/** One turn of an agent: a model call and the tools that it asked for. */
export interface AgentStep {
  /** From 0. */
  index: number;
  /** `paused`: the provider paused a long turn of its own tools, and the agent goes on with it. */
  action: 'tool_calls' | 'final' | 'paused';
  text: string;
  toolCalls: ToolCall[];
  toolResults: ToolResult[];
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
}

/** What an agent's run gave; `T` is what its `schema` makes of the answer. */
export interface AgentResult<T = unknown> {
  output: string;
  /** With a schema: the answer, validated. Absent while approvals are waited for, and where the reader left. */
  object?: T;
  steps: AgentStep[];
  /** The whole transcript. */
  messages: Message[];
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
  runId: string;
  /** Why the last answer ended; `'cancelled'` when the reader of the agent's stream stopped reading. */
  finishReason: FinishReason;
  /** Set when the agent waits for approvals, and has no output yet: store it, and give it to `agent.resume()`. */
  pending?: PendingRun;
}

/** The answer to one tool call, as the model gets it. */
export interface SettledToolCall extends ToolResult {
  content: Message['content'];
}

/** An agent's run that waits for approvals: plain JSON, which another process may resume. */
export interface PendingRun {
  /** The version of this form. */
  v: 1;
  /** The run that stopped here. */
  runId: string;
  goal: string;
  /** The calls that need a decision. */
  toolCalls: ToolCall[];
  /** The transcript, up to the turn that these calls belong to. */
  messages: Message[];
  /** What came of the turn so far. */
  turn: { settled: SettledToolCall[]; usage: Usage; cost: number | null };
  /** The turns before. */
  steps: AgentStep[];
  /** Of all turns so far. */
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
}

/** A person's answer to a call that needs approval. */
export interface ApprovalDecision {
  approve: boolean;
  /** Told to the model when the call is denied, and to hooks. */
  reason?: string;
  /** Takes the place of the arguments that the model chose. */
  args?: unknown;
}
