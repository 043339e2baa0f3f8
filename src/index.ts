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
export * from './agent/inject-agent.js';
export type { ApprovalKey, ApprovalOptions } from './approvals/approval-options.js';
export { CallbacksModule } from './module/callbacks.module.js';
export { CallbacksService } from './module/callbacks.service.js';
export * from './built-in/cost-tracker.js';
export type { LatencySummary } from './built-in/latencies.js';
export * from './built-in/logging-callbacks.js';
export * from './built-in/metrics-callbacks.js';
export * from './built-in/progress-reporter.js';
export * from './built-in/streaming-progress.js';
export * from './built-in/token-counter.js';
export * from './handlers/callback-scope.js';
export * from './runs/chain.js';
export * from './handlers/hooks.js';
export type {
  HookSelector,
  InterceptorOptions,
  InterceptorSelector,
} from './handlers/hook-selector.js';
export type { Interceptor, InterceptorDecorator } from './handlers/interceptor.js';
export * from './runs/retrieval.js';
export type { ComposedDecorator } from './handlers/composed.js';
export type { RunDecorator, RunMethodOptions } from './runs/run-method.js';
export type { BackgroundOptions } from './dispatch/background/background-options.js';
export { BackgroundStatus } from './dispatch/background/background.js';
export * from './errors/agent-errors.js';
export * from './errors/callbacks-error.js';
export * from './errors/limit-errors.js';
export * from './errors/llm-errors.js';
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
export { reviveEvent } from './events/deserialize.js';
export { RequestContext, type FromCallback } from './events/run-info.js';
export {
  CallbackEvent,
  type EventOf,
  type EventSelector,
  type EventType,
} from './events/event-map.js';
export * from './events/tool.events.js';
export * from './http/callbacks-exception.filter.js';
export type { ToSseOptions } from './http/event-stream.js';
export * from './resilience/cache.interceptor.js';
export * from './resilience/circuit-breaker.interceptor.js';
export * from './resilience/fallback.interceptor.js';
export { CacheStore } from './resilience/memory-cache.js';
export * from './resilience/retry.interceptor.js';
export * from './resilience/timeout.interceptor.js';
export type * from './dispatch/background/job-queue.js';
export { JobQueue } from './dispatch/background/job-queue.js';
export { CostLimiter } from './limits/cost-limiter.js';
export * from './limits/limit-store.js';
export type {
  CalendarUnit,
  LimitWindow,
  WindowBucket,
  WindowLength,
} from './limits/limit-window.js';
export type { Limiter } from './limits/limiter.js';
export {
  LimiterUsage,
  type CostLimit,
  type CostLimiterOptions,
  type LimitAmount,
  type LimiterChanges,
  type LimiterOptions,
  type LimitPer,
  type LimitUse,
  type RateLimit,
  type RateLimiterOptions,
  type ThresholdReached,
} from './limits/limiter-options.js';
export type { LimiterReport, LimitReport } from './limits/limiter-report.js';
export { MemoryLimitStore, type MemoryLimitStoreOptions } from './limits/memory-limit-store.js';
export { RateLimiter } from './limits/rate-limiter.js';
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
export type { DeepPartial } from './llm/call/stream-views.js';
export { LlmService } from './llm/llm.service.js';
export * from './llm/inject-llm.js';
export * from './module/options.js';
export { CALLBACKS_OPTIONS, getFeatureOptionsToken } from './module/module.constants.js';
export type { Prices } from './prices/rates.js';
export {
  CallbacksReport,
  type ClientReport,
  type HandlerInfo,
  type HandlerReport,
} from './module/report.js';
export { RequestContextInterceptor } from './request-context/request-context.interceptor.js';
export { CurrentContext } from './runs/current-context.js';
export { RunContext } from './runs/request-context.js';
export type { JsonSchema, Schema } from './schema/schema.js';
export type {
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1,
} from './schema/standard-schema.js';
export type * from './types/agent.js';
export type * from './types/llm.js';
export type * from './types/message.js';
export type * from './types/tool-name.js';
export type * from './types/tool.js';
export type * from './types/usage.js';
export { AgentResult, AgentStep, ApprovalDecision, PendingRun, ToolResult } from './types/agent.js';
export { LlmChunk, LlmRequest, LlmResponse } from './types/llm.js';
export { Message, MessageInput, ToolCall } from './types/message.js';
export { defineTool } from './tools/define-tool.js';
export type { ToolReference, ToolReport } from './tools/tool-registry.js';
export * from './tools/tool-types.js';
export { Tool, type ToolDecorator, type ToolMethodOptions } from './tools/tool.decorator.js';
export { addUsage, NO_USAGE, UNREPORTED_USAGE, Usage } from './types/usage.js';
export {
  InterceptedToolCall,
  InterceptTool,
  ToolNext,
  ToolRequest,
} from './runs/intercept-tool.js';
export { WorkContext } from './runs/work-context.js';
