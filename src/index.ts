export {
  AgentOptions,
  AgentRunOptions,
  type AgentSettings,
  type Approve,
  ResumeOptions,
} from './agent/agent-options.js';
export { AgentStream } from './agent/agent-stream.js';
export { AgentService, InjectAgent, getAgentToken } from './agent/agent.service.js';
export { Agent, type AgentReport, type AgentToolOptions } from './agent/agent.js';
export {
  AgentNext,
  AgentRequest,
  InterceptAgent,
  InterceptedAgentCall,
} from './agent/intercept-agent.js';
export type { ApprovalKey, ApprovalOptions } from './approvals/pending-signer.js';
export { type CostEntry, CostSnapshot, CostTracker } from './built-in/cost-tracker.js';
export { LoggingCallbacks } from './built-in/logging-callbacks.js';
export type { LoggingOptions } from './built-in/logging-options.js';
export {
  MetricsCallbacks,
  MetricsSummary,
  type ModelMetrics,
  type RunMetrics,
} from './built-in/metrics-callbacks.js';
export type { LatencySummary, RateSummary, WaitSummary } from './built-in/measurements.js';
export {
  type Progress,
  ProgressReporter,
  type ProgressReporterOptions,
  StreamingProgress,
  type StreamingProgressOptions,
} from './built-in/progress.js';
export * from './built-in/token-counter.js';
export type { RedactOptions } from './redaction/redact-options.js';
export type { RedactionPlace, Redactor } from './redaction/redactor.js';
export { type BackgroundOptions, BackgroundStatus } from './dispatch/background/background.js';
export * from './dispatch/background/job-queue.js';
export { JobQueue } from './dispatch/background/job-queue.js';
export {
  LimitKeyMissingError,
  LimitStoreUnavailableError,
  type LimiterErrorDetails,
  MaxStepsExceededError,
  ToolArgumentsError,
  ToolExecutionError,
  ObservedCallError,
  UnknownPriceError,
} from './errors/callback-errors.js';
export * from './errors/callbacks-error.js';
export * from './errors/llm-errors.js';
export * from './events/agent.events.js';
export * from './events/callback.events.js';
export * from './events/chain.events.js';
export { reviveEvent } from './events/deserialize.js';
export * from './events/embedding.events.js';
export {
  type BillableKind,
  CallbackEvent,
  Callbacks,
  type EmittedFields,
  EVENTS,
  type EventKind,
  type EventOf,
  type EventPhase,
  type EventSelector,
  type EventType,
  type ModelStartEvent,
} from './events/event-map.js';
export {
  type EventJson,
  type EventOrigin,
  type FromCallback,
  RequestContext,
  RunEvent,
  TerminalEvent,
} from './events/event.js';
export * from './events/handler-options.js';
export * from './events/limiter.events.js';
export * from './events/llm.events.js';
export * from './events/mcp.events.js';
export { ModelTerminalEvent } from './events/llm.events.js';
export * from './events/retrieval.events.js';
export * from './events/tool.events.js';
export * from './handlers/decorators.js';
export type { HookSelector, InterceptorOptions, InterceptorSelector } from './handlers/handler.js';
export type { Interceptor, InterceptorDecorator } from './handlers/interceptor.js';
export { CallbacksExceptionFilter } from './http/callbacks-exception.filter.js';
export type { ToSseOptions } from './http/event-stream.js';
export * from './limits/limit-store.js';
export type {
  CalendarUnit,
  LimitWindow,
  WindowBucket,
  WindowLength,
} from './limits/limit-window.js';
export {
  type CostLimit,
  type CostLimiterOptions,
  type LimitAmount,
  type LimitPer,
  type LimitUse,
  type LimiterChanges,
  type LimiterOptions,
  LimiterUsage,
  type RateLimit,
  type RateLimiterOptions,
  type ThresholdReached,
} from './limits/limiter-options.js';
export type { LimitReport, Limiter, LimiterReport } from './limits/limiters.js';
export { CostLimiter, RateLimiter } from './limits/limiters.js';
export { MemoryLimitStore, type MemoryLimitStoreOptions } from './limits/memory-limit-store.js';
export type { DeepPartial } from './llm/call/partial-json.js';
export * from './llm/interceptors.js';
export * from './llm/interceptors.js';
export * from './llm/interceptors.js';
export {
  type ApiKeySource,
  EmbedOptions,
  LlmCallOptions,
  LlmOptions,
  LlmStreamOptions,
  type Overrides,
  type ResolveClient,
} from './llm/llm-options.js';
export {
  LlmProvider,
  type LlmProviderCapabilities,
  type LlmProviderContext,
  type LlmRetry,
} from './llm/llm-provider.js';
export { LlmStream } from './llm/llm-stream.js';
export { InjectLlm, LlmService, getLlmToken } from './llm/llm.service.js';
export { CallbacksModule } from './module/callbacks.module.js';
export { CallbacksService } from './module/callbacks.service.js';
export type { ObservedFetchOptions, ObserveOptions } from './observe/observer.js';
export {
  type AsyncOptions,
  CALLBACKS_OPTIONS,
  type CallbacksModuleAsyncOptions,
  CallbacksModuleOptions,
  type FeatureAsyncOptions,
  FeatureOptions,
  type OptionsFactory,
  getFeatureOptionsToken,
} from './module/module-options.js';
export {
  CallbacksReport,
  type ClientReport,
  type HandlerInfo,
  type HandlerReport,
} from './module/report.js';
export type { Prices } from './prices/price-book.js';
export { RequestContextInterceptor } from './request-context/request-context.interceptor.js';
export { CacheInterceptor, type CacheOptions, CacheStore } from './resilience/cache.interceptor.js';
export * from './resilience/circuit-breaker.interceptor.js';
export * from './resilience/fallback.interceptor.js';
export * from './resilience/retry.interceptor.js';
export * from './resilience/timeout.interceptor.js';
export {
  Chain,
  type ChainOptions,
  Retrieval,
  type RetrievalOptions,
  type RunDecorator,
  type RunMethodOptions,
} from './runs/decorators.js';
export {
  type Bind,
  BindContext,
  type BindContextDecorator,
  type BindContextOptions,
  type ContextBinding,
  type SpanOwner,
} from './runs/bind-context.js';
export {
  ChainNext,
  ChainRequest,
  InterceptChain,
  InterceptedChainCall,
  InterceptedRetrievalCall,
  InterceptRetrieval,
  RetrievalNext,
  RetrievalRequest,
} from './runs/intercept-work.js';
export {
  InterceptTool,
  InterceptedToolCall,
  ToolNext,
  ToolRequest,
} from './runs/intercept-work.js';
export { RunContext } from './runs/request-context.js';
export { CurrentContext } from './runs/run-context.js';
export { WorkContext } from './runs/tracer.js';
export type {
  JsonSchema,
  Schema,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1,
} from './schema/schema.js';
export type { ToolReference, ToolReport } from './tools/tool-registry.js';
export {
  Tool,
  type ToolDecorator,
  type ToolMethodOptions,
  defineTool,
} from './tools/tool.decorator.js';
export { type NeedsApproval, ToolContext, ToolDefinition, type ToolOptions } from './tools/tool.js';
export * from './types/agent.js';
export { AgentResult, AgentStep, ApprovalDecision, PendingRun, ToolResult } from './types/agent.js';
export * from './types/llm.js';
export { EmbedRequest, EmbedResponse } from './types/llm.js';
export * from './types/llm.js';
export { ChunkGaps, LlmChunk, LlmRequest, LlmResponse, ServerAddress } from './types/llm.js';
export * from './types/message.js';
export { Message, MessageInput, ToolCall } from './types/message.js';
export { type ToolApproval, isToolName, toToolName } from './types/message.js';
export * from './types/usage.js';
export { NO_USAGE, UNREPORTED_USAGE, Usage, addUsage } from './types/usage.js';
