import { brand } from '../util/brand.js';
import type * as agent from './agent.events.js';
import type { CallbackErrorEvent } from './callback.events.js';
import type * as chain from './chain.events.js';
import type { ANY_EVENT_METHOD, CallbackEvent, EVENTS } from './event-map.js';
import type * as llmTerminal from './llm.events.js';
import type * as llm from './llm.events.js';
import type * as mcp from './mcp.events.js';
import type * as retrieval from './retrieval.events.js';
import type * as tool from './tool.events.js';

/** The second argument of a handler. */
export interface HandlerContext {
  /**
   * Fires when the handler's `timeoutMs` is over, and when the run is aborted. In the background it does not fire with
   * the run, because the event has already happened: it fires when shutdown stops waiting, or the job queue gives up
   * the job.
   */
  readonly signal: AbortSignal;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const HandlerContext: object = Object;

/** Options of a handler. `E` is the event that it receives. */
export interface HandlerOptions<E> {
  /**
   * Handle only runs of these named clients and everything nested under them.
   * @default the class's `@CallbackScope()`, else every run
   */
  scope?: string | string[];
  /**
   * Handlers of one event are called in ascending order.
   * @default 0
   */
  order?: number;
  /**
   * Whether an error of this handler fails the run and reaches the caller.
   * @default false
   */
  critical?: boolean;
  /**
   * Whether the run does not wait for the handler. `true`: it runs in the background, in its own context and with
   * bounded concurrency; shutdown waits for it. `'durable'`: the event's JSON is added to the job queue of
   * `forRoot({ background: { queue } })`, whose worker calls the handler, possibly in another process, with an event
   * revived from it, and retries until it succeeds. Delivery is at least once: make the handler idempotent, by
   * `event.eventId`. `when` is called first.
   * @default false
   */
  background?: boolean | 'durable';
  /**
   * The name of a durable handler in the job queue; it must stay the same across versions of the application.
   * @default `Class.method`; required for a class whose name a minifier may change, or that has no name
   */
  name?: string;
  /**
   * Milliseconds after which the handler is reported as `CallbackTimeoutError` and no longer waited for.
   * @default no limit
   */
  timeoutMs?: number;
  /**
   * Declares that the handler starts no runs and does not read `callbacks.current`, so that it is called without an
   * async context of its own, which is most of a handler's cost. Runs that it starts anyway become part of the
   * surrounding run, and reach this handler too. Handlers of `llm.chunk` never have such a context; background
   * handlers always do.
   * @default false
   */
  contextFree?: boolean;
  /** Called first, synchronously: the handler is called only if it returns `true`. */
  when?: (event: E) => boolean;
}

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
