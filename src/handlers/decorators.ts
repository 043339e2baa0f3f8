import type { HandlerContext, HandlerOptions } from '../events/handler-options.js';
import type { CustomCallbackEvent } from '../events/callback.events.js';
import { checkCustomName, type EventSelector, type SelectedEvent } from '../events/event-map.js';
import { isOptions } from '../util/known-options.js';
import { addHandlerMetadata, checkLegacy, setScopes } from './metadata.js';

/** Decorates a method that takes the event (and a {@link HandlerContext}), or nothing. */
export interface HookDecorator<S extends EventSelector> extends ComposedDecorator {
  <M extends (event: SelectedEvent<S>, context: HandlerContext) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/** Creates a {@link HookDecorator}. */
export type Hook<S extends EventSelector> = (
  options?: HandlerOptions<SelectedEvent<S>>,
) => HookDecorator<S>;

function onEvent<S extends EventSelector>(name: string, selector: S): Hook<S> {
  return (options = {}) =>
    (target: object, key: string | symbol, descriptor: PropertyDescriptor) =>
      addHandlerMetadata(name, { selector, options }, target, key, descriptor);
}

/**
 * Handles the start of an LLM call, before the request is sent.
 *
 * @example
 * ```ts
 * class Log { @OnLlmStart() before(event: LlmStartEvent) {
 *   console.log(event.model, event.messages.length);
 * } }
 * ```
 */
export const OnLlmStart: Hook<'llm.start'> = onEvent('OnLlmStart', 'llm.start');

/**
 * Handles each chunk of a streamed answer, before its consumer receives it. Must not start runs.
 *
 * @example
 * ```ts
 * class Typist { @OnLlmStreamChunk() typed(event: LlmStreamChunkEvent) {
 *   if (event.chunk.type === 'text') process.stdout.write(event.chunk.text);
 * } }
 * ```
 */
export const OnLlmStreamChunk: Hook<'llm.chunk'> = onEvent('OnLlmStreamChunk', 'llm.chunk');

/**
 * Handles a retry by the SDK or the provider.
 *
 * @example
 * ```ts
 * class Retries { @OnLlmRetry() again(event: LlmRetryEvent) {
 *   console.warn(`try ${event.attempt + 1} after ${event.delayMs} ms`);
 * } }
 * ```
 */
export const OnLlmRetry: Hook<'llm.retry'> = onEvent('OnLlmRetry', 'llm.retry');

/**
 * Handles a call that a `CacheInterceptor` answers without a request.
 *
 * @example
 * ```ts
 * class Savings { @OnLlmCache() saved(event: LlmCacheEvent) {
 *   this.dollars += event.savedCost ?? 0;
 * } }
 * ```
 */
export const OnLlmCache: Hook<'llm.cache'> = onEvent('OnLlmCache', 'llm.cache');

/**
 * Handles the end of an LLM call: it completed, or its consumer stopped reading.
 *
 * @example
 * ```ts
 * class Bill { @OnLlmEnd() paid(event: LlmEndEvent) {
 *   console.log(event.tokenCount, event.cost);
 * } }
 * ```
 */
export const OnLlmEnd: Hook<'llm.end'> = onEvent('OnLlmEnd', 'llm.end');

/**
 * Handles an LLM call that failed or was aborted.
 *
 * @example
 * ```ts
 * class Failures { @OnLlmError() failed(event: LlmErrorEvent) {
 *   console.error(event.error.name, event.cost);
 * } }
 * ```
 */
export const OnLlmError: Hook<'llm.error'> = onEvent('OnLlmError', 'llm.error');

/** Handles the start of an embedding of texts, before the request is sent. */
export const OnEmbeddingStart: Hook<'embedding.start'> = onEvent(
  'OnEmbeddingStart',
  'embedding.start',
);

/**
 * Handles the end of an embedding of texts.
 *
 * @example
 * ```ts
 * class Bill { @OnEmbeddingEnd() paid(event: EmbeddingEndEvent) {
 *   console.log(event.count, event.tokenCount, event.cost);
 * } }
 * ```
 */
export const OnEmbeddingEnd: Hook<'embedding.end'> = onEvent('OnEmbeddingEnd', 'embedding.end');

/** Handles an embedding of texts that failed or was aborted. */
export const OnEmbeddingError: Hook<'embedding.error'> = onEvent(
  'OnEmbeddingError',
  'embedding.error',
);

/** Handles the start of an agent run. */
export const OnAgentStart: Hook<'agent.start'> = onEvent('OnAgentStart', 'agent.start');

/** Handles the end of each turn of an agent. */
export const OnAgentStep: Hook<'agent.step'> = onEvent('OnAgentStep', 'agent.step');

/** Handles the end of an agent run. */
export const OnAgentEnd: Hook<'agent.end'> = onEvent('OnAgentEnd', 'agent.end');

/** Handles an agent run that failed or was aborted. */
export const OnAgentError: Hook<'agent.error'> = onEvent('OnAgentError', 'agent.error');

/** Handles the start of a tool call, before the tool is called. */
export const OnToolStart: Hook<'tool.start'> = onEvent('OnToolStart', 'tool.start');

/** Handles the result of a tool call. */
export const OnToolEnd: Hook<'tool.end'> = onEvent('OnToolEnd', 'tool.end');

/** Handles a tool call that failed, was refused or had invalid arguments. */
export const OnToolError: Hook<'tool.error'> = onEvent('OnToolError', 'tool.error');

/** Handles the start of a chain. */
export const OnChainStart: Hook<'chain.start'> = onEvent('OnChainStart', 'chain.start');

/** Handles the end of a chain. */
export const OnChainEnd: Hook<'chain.end'> = onEvent('OnChainEnd', 'chain.end');

/** Handles a chain that failed. */
export const OnChainError: Hook<'chain.error'> = onEvent('OnChainError', 'chain.error');

/** Handles the start of a retrieval. */
export const OnRetrievalStart: Hook<'retrieval.start'> = onEvent(
  'OnRetrievalStart',
  'retrieval.start',
);

/** Handles the end of a retrieval, with its documents. */
export const OnRetrievalEnd: Hook<'retrieval.end'> = onEvent('OnRetrievalEnd', 'retrieval.end');

/** Handles a retrieval that failed. */
export const OnRetrievalError: Hook<'retrieval.error'> = onEvent(
  'OnRetrievalError',
  'retrieval.error',
);

/** Handles the connection of an MCP server. */
export const OnMcpConnect: Hook<'mcp.connect'> = onEvent('OnMcpConnect', 'mcp.connect');

/** Handles the disconnection of an MCP server. */
export const OnMcpDisconnect: Hook<'mcp.disconnect'> = onEvent('OnMcpDisconnect', 'mcp.disconnect');

/** Handles progress that an MCP server reports. */
export const OnMcpProgress: Hook<'mcp.progress'> = onEvent('OnMcpProgress', 'mcp.progress');

/** Handles a log message of an MCP server. */
export const OnMcpLog: Hook<'mcp.log'> = onEvent('OnMcpLog', 'mcp.log');

/**
 * Handles a wait: a limiter with `mode: 'wait'` made a call wait, and the wait is over.
 *
 * @example
 * ```ts
 * class Queues { @OnLimiterWait() waited(event: LimiterWaitEvent) {
 *   console.log(`${event.limiter}: ${event.waitedMs} ms`);
 * } }
 * ```
 */
export const OnLimiterWait: Hook<'limiter.wait'> = onEvent('OnLimiterWait', 'limiter.wait');

/**
 * Handles the end of a handler: it returned or failed, after `event.durationMs`. Only applications with such a handler
 * measure their handlers; those of `llm.chunk` and `callback.*` are not measured, nor are durable ones, which run
 * elsewhere. `@OnAnyEvent()` does not receive it.
 *
 * @example
 * ```ts
 * class SlowHandlers { @OnCallbackEnd({ contextFree: true }) ended(event: CallbackEndEvent) {
 *   if (event.durationMs > 50) console.warn(`${event.handler} took ${event.durationMs} ms`);
 * } }
 * ```
 */
export const OnCallbackEnd: Hook<'callback.end'> = onEvent('OnCallbackEnd', 'callback.end');

/** Handles a handler that threw or timed out. */
export const OnCallbackError: Hook<'callback.error'> = onEvent('OnCallbackError', 'callback.error');

/**
 * Handles events of the application, which `callbacks.emit()` emits.
 *
 * @param name only events of this name; by default all of them
 * @throws CallbacksConfigurationError for a name that no custom event can have
 *
 * @example
 * ```ts
 * class Tickets { @OnCustomEvent('ticket.opened') opened({ data }: CustomCallbackEvent) {
 *   console.log(data);
 * } }
 * ```
 */
export function OnCustomEvent(
  name?: string,
  options: HandlerOptions<CustomCallbackEvent> = {},
): HookDecorator<'custom'> {
  return onEvent('OnCustomEvent', 'custom')(onlyNamed(name, options));
}

function onlyNamed(
  name: string | undefined,
  options: HandlerOptions<CustomCallbackEvent>,
): HandlerOptions<CustomCallbackEvent> {
  if (name === undefined) return options;
  checkCustomName('@OnCustomEvent()', name);
  const when: unknown = isOptions(options) ? options.when : undefined;
  // Invalid options are rejected with the method's name, when it is registered.
  if (!isOptions(options) || (when !== undefined && typeof when !== 'function')) return options;
  return {
    ...options,
    when: (event) => event.name === name && (options.when?.(event) ?? true),
  };
}

/**
 * Handles every event, except `callback.end`; `event.type` is its type.
 *
 * @example
 * ```ts
 * class Trace { @OnAnyEvent() log(event: CallbackEvent) {
 *   console.log(JSON.stringify(event));
 * } }
 * ```
 */
export const OnAnyEvent: Hook<'*'> = onEvent('OnAnyEvent', '*');

/** A `this` that no call has: the signature for it is never checked against a method. */
declare class Composing {
  private readonly composing: never;
}

/**
 * The second signature of a method decorator, which Nest's `applyDecorators()` accepts. A method is always checked by
 * the decorator's own signature, because this one never applies to a method.
 */
export interface ComposedDecorator {
  <T>(
    this: Composing,
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void;
}

/**
 * Limits every handler of a class to the runs of these named clients and everything nested under them. A `scope` on a
 * decorator overrides it for that handler.
 *
 * @example
 * ```ts
 * // above the class: @Injectable() @CallbackScope('support')
 * class SupportAudit { @OnLlmEnd() record(event: LlmEndEvent) {} }
 * ```
 */
export function CallbackScope(...scopes: [string, ...string[]]): ClassDecorator {
  return (target, ...context: unknown[]) => {
    checkLegacy('@CallbackScope()', context[0]);
    setScopes(target, scopes);
  };
}
