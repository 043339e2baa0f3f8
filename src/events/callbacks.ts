import { brand } from '../util/brand.js';
import type * as agent from './agent.events.js';
import type { CallbackErrorEvent } from './callback.events.js';
import type * as chain from './chain.events.js';
import type { HandlerContext } from './handler-options.js';
import type * as llmTerminal from './llm-terminal.events.js';
import type * as llm from './llm.events.js';
import type * as mcp from './mcp.events.js';
import type * as retrieval from './retrieval.events.js';
import type { ANY_EVENT_METHOD, CallbackEvent, EVENTS } from './event-map.js';
import type * as tool from './tool.events.js';

/** Marks the prototype of {@link Callbacks}, so that a second copy of the package is recognized too. */
export const CALLBACKS_CLASS = Symbol.for('nestjs-llm-callbacks:callbacks');

/**
 * Base class of callbacks that are methods without decorators: override the methods of the events to handle. A provider
 * of such a class is discovered; an instance may be passed in any `callbacks` list.
 *
 * @example
 * ```ts
 * class Narrator extends Callbacks {
 *   override onLlmStart(event: LlmStartEvent) {
 *     console.log(`${event.provider}/${event.model}: ${event.messages.length} messages`);
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- every merged method is optional
export abstract class Callbacks {
  /** @internal */
  static {
    brand(this, 'class:Callbacks');
    Object.defineProperty(this.prototype, CALLBACKS_CLASS, { value: true });
  }
}

// Written out because a subclass may only override methods, and a type mapped from the table has properties.
export interface Callbacks {
  /** An LLM call is about to be sent. */
  onLlmStart?(event: llm.LlmStartEvent, context: HandlerContext): unknown;
  /** A chunk of a streamed answer. */
  onLlmStreamChunk?(event: llm.LlmStreamChunkEvent, context: HandlerContext): unknown;
  /** The SDK or the provider retries. */
  onLlmRetry?(event: llm.LlmRetryEvent, context: HandlerContext): unknown;
  /** An LLM call completed. */
  onLlmEnd?(event: llmTerminal.LlmEndEvent, context: HandlerContext): unknown;
  /** An LLM call failed or was aborted. */
  onLlmError?(event: llmTerminal.LlmErrorEvent, context: HandlerContext): unknown;
  /** An agent run starts. */
  onAgentStart?(event: agent.AgentStartEvent, context: HandlerContext): unknown;
  /** An agent completed a turn. */
  onAgentStep?(event: agent.AgentStepEvent, context: HandlerContext): unknown;
  /** An agent run completed. */
  onAgentEnd?(event: agent.AgentEndEvent, context: HandlerContext): unknown;
  /** An agent run failed or was aborted. */
  onAgentError?(event: agent.AgentErrorEvent, context: HandlerContext): unknown;
  /** A tool is about to be called. */
  onToolStart?(event: tool.ToolStartEvent, context: HandlerContext): unknown;
  /** A tool call completed. */
  onToolEnd?(event: tool.ToolEndEvent, context: HandlerContext): unknown;
  /** A tool call failed. */
  onToolError?(event: tool.ToolErrorEvent, context: HandlerContext): unknown;
  /** A chain starts. */
  onChainStart?(event: chain.ChainStartEvent, context: HandlerContext): unknown;
  /** A chain completed. */
  onChainEnd?(event: chain.ChainEndEvent, context: HandlerContext): unknown;
  /** A chain failed. */
  onChainError?(event: chain.ChainErrorEvent, context: HandlerContext): unknown;
  /** A retrieval starts. */
  onRetrievalStart?(event: retrieval.RetrievalStartEvent, context: HandlerContext): unknown;
  /** A retrieval completed. */
  onRetrievalEnd?(event: retrieval.RetrievalEndEvent, context: HandlerContext): unknown;
  /** A retrieval failed. */
  onRetrievalError?(event: retrieval.RetrievalErrorEvent, context: HandlerContext): unknown;
  /** An MCP server connected. */
  onMcpConnect?(event: mcp.McpConnectEvent, context: HandlerContext): unknown;
  /** An MCP server disconnected. */
  onMcpDisconnect?(event: mcp.McpDisconnectEvent, context: HandlerContext): unknown;
  /** An MCP server reported progress. */
  onMcpProgress?(event: mcp.McpProgressEvent, context: HandlerContext): unknown;
  /** An MCP server logged a message. */
  onMcpLog?(event: mcp.McpLogEvent, context: HandlerContext): unknown;
  /** A handler failed. */
  onCallbackError?(event: CallbackErrorEvent, context: HandlerContext): unknown;
  /** Every event. */
  onAnyEvent?(event: CallbackEvent, context: HandlerContext): unknown;
}

/** Compiles only if the methods above match the table. */
export type CallbackMethodsMatchTable = Assert<Same<keyof Callbacks, CallbackMethod>>;
type CallbackMethod = (typeof EVENTS)[keyof typeof EVENTS]['method'] | typeof ANY_EVENT_METHOD;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Assert<T extends true> = T;
