export { CallbacksModule } from './callbacks.module.js';
export { CallbacksService, type HandlerInfo } from './callbacks.service.js';
export * from './built-in/index.js';
export * from './decorators/callback-scope.js';
export * from './decorators/hooks.js';
export * from './errors/index.js';
export * from './events/agent.events.js';
export * from './events/callback.events.js';
export { Callbacks } from './events/callbacks.js';
export * from './events/chain.events.js';
export { RunEvent, TerminalEvent, type EventJson } from './events/event.js';
export type { HandlerContext, HandlerOptions } from './events/handler-options.js';
export * from './events/llm.events.js';
export * from './events/mcp.events.js';
export * from './events/retrieval.events.js';
export type { FromCallback, RequestContext } from './events/run-info.js';
export type { CallbackEvent, EventOf, EventSelector, EventType } from './events/table.js';
export * from './events/tool.events.js';
export type { LlmCallOptions, LlmOptions, LlmStreamOptions } from './llm/llm-options.js';
export {
  UNREPORTED_USAGE,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRetry,
} from './llm/llm-provider.js';
export { LlmStream } from './llm/llm-stream.js';
export { LlmService } from './llm/llm.service.js';
export * from './llm/tokens.js';
export type * from './options.js';
export type { Prices } from './prices/index.js';
export type { RunContext } from './run/request-context.js';
export type * from './shapes/index.js';
