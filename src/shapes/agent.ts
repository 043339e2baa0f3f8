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
  action: 'tool_calls' | 'final';
  text: string;
  toolCalls: ToolCall[];
  toolResults: ToolResult[];
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
}

/** What an agent's run gave. */
export interface AgentResult {
  output: string;
  object?: unknown;
  steps: AgentStep[];
  /** The whole transcript. */
  messages: Message[];
  usage: Usage;
  /** US dollars; `null` when a price is not known. */
  cost: number | null;
  runId: string;
}
