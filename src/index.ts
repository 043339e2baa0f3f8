export {
  AgentOptions,
  AgentRunOptions,
  type AgentSettings,
  type Approve,
  ResumeOptions,
} from './agent/agent-options.js';
export { AgentStream } from './agent/agent-stream.js';
export { Agent, type AgentReport, type AgentToolOptions } from './agent/agent.js';
export { AgentService } from './agent/agent.service.js';
export {
  AgentNext,
  AgentRequest,
  InterceptAgent,
  InterceptedAgentCall,
} from './agent/intercept-agent.js';
export * from './agent/tokens.js';
export type { ApprovalKey, ApprovalOptions } from './approvals/approval-options.js';
export { CallbacksModule } from './callbacks.module.js';
export { CallbacksService } from './callbacks.service.js';
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
export type { ComposedDecorator } from './decorators/composed.js';
export type { RunDecorator, RunMethodOptions } from './decorators/run-method.js';
export type { BackgroundOptions } from './dispatch/background-options.js';
export { BackgroundStatus } from './dispatch/background.js';
export * from './errors/index.js';
export * from './events/agent.events.js';
export * from './events/callback.events.js';
export { Callbacks } from './events/callbacks.js';
export * from './events/chain.events.js';
export { RunEvent, TerminalEvent, type EventJson } from './events/event.js';
export { HandlerContext, type HandlerOptions } from './events/handler-options.js';
export * from './events/llm-terminal.events.js';
export * from './events/llm.events.js';
export * from './events/mcp.events.js';
export * from './events/retrieval.events.js';
export { reviveEvent } from './events/revive.js';
export { RequestContext, type FromCallback } from './events/run-info.js';
export { CallbackEvent, type EventOf, type EventSelector, type EventType } from './events/table.js';
export * from './events/tool.events.js';
export * from './http/index.js';
export * from './interceptors/index.js';
export type * from './jobs/index.js';
export { JobQueue } from './jobs/job-queue.js';
export * from './limits/index.js';
export * from './llm/intercept-llm.js';
export {
  type ApiKeySource,
  LlmCallOptions,
  LlmOptions,
  LlmStreamOptions,
  type Overrides,
  type ResolveClient,
} from './llm/llm-options.js';
export { LlmProvider, type LlmProviderContext, type LlmRetry } from './llm/llm-provider.js';
export { LlmStream } from './llm/llm-stream.js';
export type { DeepPartial } from './llm/stream-views.js';
export { LlmService } from './llm/llm.service.js';
export * from './llm/tokens.js';
export * from './options.js';
export { CALLBACKS_OPTIONS, getFeatureOptionsToken } from './tokens.js';
export type { Prices } from './prices/index.js';
export {
  CallbacksReport,
  type ClientReport,
  type HandlerInfo,
  type HandlerReport,
} from './report.js';
export { RequestContextInterceptor } from './run/request-context.interceptor.js';
export { CurrentContext } from './run/current-context.js';
export { RunContext } from './run/request-context.js';
export type {
  JsonSchema,
  Schema,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1,
} from './schema/index.js';
export type * from './shapes/index.js';
export {
  AgentResult,
  AgentStep,
  ApprovalDecision,
  PendingRun,
  ToolResult,
} from './shapes/agent.js';
export { LlmChunk, LlmRequest, LlmResponse } from './shapes/llm.js';
export { Message, MessageInput, ToolCall } from './shapes/message.js';
export { defineTool } from './tools/define-tool.js';
export type { ToolReference, ToolReport } from './tools/tool-registry.js';
export * from './tools/tool-types.js';
export { Tool, type ToolDecorator, type ToolMethodOptions } from './tools/tool.decorator.js';
export { addUsage, NO_USAGE, UNREPORTED_USAGE, Usage } from './shapes/usage.js';
export {
  InterceptedToolCall,
  InterceptTool,
  ToolNext,
  ToolRequest,
} from './work/intercept-tool.js';
export { WorkContext } from './work/work-context.js';
