import type { EventSelector, SelectedEvent } from '../events/event-map.js';
import type { HandlerContext, HandlerOptions } from '../events/handler-options.js';
import type { ComposedDecorator } from './composed.js';
import { addHook } from './hook-metadata.js';

/** Goes on a method that takes the event (and a {@link HandlerContext}), or nothing. */
export interface HookDecorator<S extends EventSelector> extends ComposedDecorator {
  <M extends (event: SelectedEvent<S>, context: HandlerContext) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/** Makes a {@link HookDecorator}. */
export type Hook<S extends EventSelector> = (
  options?: HandlerOptions<SelectedEvent<S>>,
) => HookDecorator<S>;

function hook<S extends EventSelector>(name: string, selector: S): Hook<S> {
  return (options = {}) =>
    (target: object, key: string | symbol, descriptor: PropertyDescriptor) =>
      addHook(name, { selector, options }, target, key, descriptor);
}

/**
 * The method is called when a call is about to be sent.
 *
 * @example
 * ```ts
 * class Log { @OnLlmStart() before(event: LlmStartEvent) {
 *   console.log(event.model, event.messages.length);
 * } }
 * ```
 */
export const OnLlmStart: Hook<'llm.start'> = hook('OnLlmStart', 'llm.start');

/**
 * The method is called when a piece of a streamed answer arrived, before its reader gets it. Must not start runs.
 *
 * @example
 * ```ts
 * class Typist { @OnLlmStreamChunk() typed(event: LlmStreamChunkEvent) {
 *   if (event.chunk.type === 'text') process.stdout.write(event.chunk.text);
 * } }
 * ```
 */
export const OnLlmStreamChunk: Hook<'llm.chunk'> = hook('OnLlmStreamChunk', 'llm.chunk');

/**
 * The method is called when the SDK, or the provider, tries again.
 *
 * @example
 * ```ts
 * class Retries { @OnLlmRetry() again(event: LlmRetryEvent) {
 *   console.warn(`try ${event.attempt + 1} after ${event.delayMs} ms`);
 * } }
 * ```
 */
export const OnLlmRetry: Hook<'llm.retry'> = hook('OnLlmRetry', 'llm.retry');

/**
 * The method is called when a call was answered, or its reader stopped reading.
 *
 * @example
 * ```ts
 * class Bill { @OnLlmEnd() paid(event: LlmEndEvent) {
 *   console.log(event.tokenCount, event.cost);
 * } }
 * ```
 */
export const OnLlmEnd: Hook<'llm.end'> = hook('OnLlmEnd', 'llm.end');

/**
 * The method is called when a call failed or was aborted.
 *
 * @example
 * ```ts
 * class Failures { @OnLlmError() failed(event: LlmErrorEvent) {
 *   console.error(event.error.name, event.cost);
 * } }
 * ```
 */
export const OnLlmError: Hook<'llm.error'> = hook('OnLlmError', 'llm.error');

/** The method is called when an agent begins. */
export const OnAgentStart: Hook<'agent.start'> = hook('OnAgentStart', 'agent.start');

/** The method is called when an agent finished a turn. */
export const OnAgentStep: Hook<'agent.step'> = hook('OnAgentStep', 'agent.step');

/** The method is called when an agent is done. */
export const OnAgentEnd: Hook<'agent.end'> = hook('OnAgentEnd', 'agent.end');

/** The method is called when an agent failed or was aborted. */
export const OnAgentError: Hook<'agent.error'> = hook('OnAgentError', 'agent.error');

/** The method is called when a tool is about to be called. */
export const OnToolStart: Hook<'tool.start'> = hook('OnToolStart', 'tool.start');

/** The method is called when a tool gave its result. */
export const OnToolEnd: Hook<'tool.end'> = hook('OnToolEnd', 'tool.end');

/** The method is called when a tool failed, was refused or got arguments that do not fit. */
export const OnToolError: Hook<'tool.error'> = hook('OnToolError', 'tool.error');

/** The method is called when a chain begins. */
export const OnChainStart: Hook<'chain.start'> = hook('OnChainStart', 'chain.start');

/** The method is called when a chain is done. */
export const OnChainEnd: Hook<'chain.end'> = hook('OnChainEnd', 'chain.end');

/** The method is called when a chain failed. */
export const OnChainError: Hook<'chain.error'> = hook('OnChainError', 'chain.error');

/** The method is called when documents are about to be looked up. */
export const OnRetrievalStart: Hook<'retrieval.start'> = hook(
  'OnRetrievalStart',
  'retrieval.start',
);

/** The method is called when documents were found. */
export const OnRetrievalEnd: Hook<'retrieval.end'> = hook('OnRetrievalEnd', 'retrieval.end');

/** The method is called when a retrieval failed. */
export const OnRetrievalError: Hook<'retrieval.error'> = hook(
  'OnRetrievalError',
  'retrieval.error',
);

/** The method is called when an MCP server was connected. */
export const OnMcpConnect: Hook<'mcp.connect'> = hook('OnMcpConnect', 'mcp.connect');

/** The method is called when an MCP server is gone. */
export const OnMcpDisconnect: Hook<'mcp.disconnect'> = hook('OnMcpDisconnect', 'mcp.disconnect');

/** The method is called when an MCP server tells how far it is. */
export const OnMcpProgress: Hook<'mcp.progress'> = hook('OnMcpProgress', 'mcp.progress');

/** The method is called when an MCP server wrote to its log. */
export const OnMcpLog: Hook<'mcp.log'> = hook('OnMcpLog', 'mcp.log');

/** The method is called when a handler threw or took too long. */
export const OnCallbackError: Hook<'callback.error'> = hook('OnCallbackError', 'callback.error');

/**
 * The method is called when any event happens; `event.type` tells which.
 *
 * @example
 * ```ts
 * class Trace { @OnAnyEvent() log(event: CallbackEvent) {
 *   console.log(JSON.stringify(event));
 * } }
 * ```
 */
export const OnAnyEvent: Hook<'*'> = hook('OnAnyEvent', '*');
