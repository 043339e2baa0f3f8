export type {
  AgentOptions,
  AgentRunOptions,
  AgentSettings,
  Approve,
  ResumeOptions,
} from './agent/agent-options.js';
export { AgentStream } from './agent/agent-stream.js';
export { Agent, type AgentToolOptions } from './agent/agent.js';
export { AgentService } from './agent/agent.service.js';
export {
  InterceptAgent,
  type AgentNext,
  type AgentRequest,
  type InterceptedAgentCall,
} from './agent/intercept-agent.js';
export * from './agent/tokens.js';
export type { ApprovalKey, ApprovalOptions } from './approvals/approval-options.js';
export { CallbacksModule } from './callbacks.module.js';
export { CallbacksService, type HandlerInfo } from './callbacks.service.js';
export * from './built-in/index.js';
export * from './decorators/callback-scope.js';
export * from './decorators/chain.js';
export * from './decorators/hooks.js';
export type {
  HookSelector,
  InterceptorOptions,
  InterceptorSelector,
} from './decorators/hook-selector.js';
export type { Interceptor, InterceptorDecorator } from './decorators/interceptor.js';
export * from './decorators/retrieval.js';
export type { RunDecorator } from './decorators/run-method.js';
export type { BackgroundOptions } from './dispatch/background-options.js';
export type { BackgroundStatus } from './dispatch/background.js';
export * from './errors/index.js';
export * from './events/agent.events.js';
export * from './events/callback.events.js';
export { Callbacks } from './events/callbacks.js';
export * from './events/chain.events.js';
export { RunEvent, TerminalEvent, type EventJson } from './events/event.js';
export type { HandlerContext, HandlerOptions } from './events/handler-options.js';
export * from './events/llm-terminal.events.js';
export * from './events/llm.events.js';
export * from './events/mcp.events.js';
export * from './events/retrieval.events.js';
export { reviveEvent } from './events/revive.js';
export type { FromCallback, RequestContext } from './events/run-info.js';
export type { CallbackEvent, EventOf, EventSelector, EventType } from './events/table.js';
export * from './events/tool.events.js';
export * from './http/index.js';
export * from './interceptors/index.js';
export type * from './jobs/index.js';
export * from './limits/index.js';
export * from './llm/intercept-llm.js';
export type {
  ApiKeySource,
  LlmCallOptions,
  LlmOptions,
  LlmStreamOptions,
  Overrides,
  ResolveClient,
} from './llm/llm-options.js';
export type { LlmProvider, LlmProviderContext, LlmRetry } from './llm/llm-provider.js';
export { LlmStream } from './llm/llm-stream.js';
export type { DeepPartial } from './llm/stream-views.js';
export { LlmService } from './llm/llm.service.js';
export * from './llm/tokens.js';
export type * from './options.js';
export type { Prices } from './prices/index.js';
export { RequestContextInterceptor } from './run/request-context.interceptor.js';
export type { CurrentContext } from './run/current-context.js';
export type { RunContext } from './run/request-context.js';
export type {
  JsonSchema,
  Schema,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1,
} from './schema/index.js';
export type * from './shapes/index.js';
export { defineTool } from './tools/define-tool.js';
export type { ToolReference } from './tools/tool-registry.js';
export type * from './tools/tool-types.js';
export { Tool, type ToolDecorator, type ToolMethodOptions } from './tools/tool.decorator.js';
export { addUsage, NO_USAGE, UNREPORTED_USAGE } from './shapes/usage.js';
export {
  InterceptTool,
  type InterceptedToolCall,
  type ToolNext,
  type ToolRequest,
} from './work/intercept-tool.js';
export type { WorkContext } from './work/work-context.js';
