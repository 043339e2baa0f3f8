/** Which version of the semantic conventions for generative AI is followed; `'both'` doubles what was renamed. */
export type Semconv = 'latest' | 'v1.41' | 'both';

/** A name that the convention changed; absent where a version has no such thing. */
export interface Renamed {
  readonly latest?: string;
  readonly 'v1.41'?: string;
}

/** The names to emit for a renamed thing. */
export function namesOf(renamed: Renamed, semconv: Semconv): readonly string[] {
  const { latest, 'v1.41': old } = renamed;
  const chosen = semconv === 'both' ? [latest, old] : [renamed[semconv]];
  return [...new Set(chosen.filter((name) => name !== undefined))];
}

/** The instrumentation scope of everything that is emitted. */
export const SCOPE_NAME = 'nestjs-llm-callbacks';

/** The version of this package. */
export const SCOPE_VERSION = '0.1.0';

/** Of v1.41; the later versions have no published schema. */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.41.0';

/** The environment variable that says where content may be recorded. */
export const CAPTURE_CONTENT = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';

/** Values of `gen_ai.operation.name`. */
export const OPERATIONS = {
  llm: 'chat',
  embedding: 'embeddings',
  retrieval: 'retrieval',
  tool: 'execute_tool',
  agent: 'invoke_agent',
  chain: 'invoke_workflow',
} as const;

/** The name of an inner chain's span, before the chain's; the convention has only workflows. */
export const INNER_CHAIN = 'chain';

/** Attributes that are named alike in all versions. */
export const ATTR = {
  operationName: 'gen_ai.operation.name',
  providerName: 'gen_ai.provider.name',
  conversationId: 'gen_ai.conversation.id',
  outputType: 'gen_ai.output.type',
  requestModel: 'gen_ai.request.model',
  requestStream: 'gen_ai.request.stream',
  requestChoiceCount: 'gen_ai.request.choice.count',
  requestSeed: 'gen_ai.request.seed',
  requestTopK: 'gen_ai.request.top_k',
  requestTopP: 'gen_ai.request.top_p',
  requestTemperature: 'gen_ai.request.temperature',
  requestMaxTokens: 'gen_ai.request.max_tokens',
  requestStopSequences: 'gen_ai.request.stop_sequences',
  requestFrequencyPenalty: 'gen_ai.request.frequency_penalty',
  requestPresencePenalty: 'gen_ai.request.presence_penalty',
  requestPreviousResponseId: 'gen_ai.request.previous_response.id',
  requestReasoningLevel: 'gen_ai.request.reasoning.level',
  responseId: 'gen_ai.response.id',
  responseModel: 'gen_ai.response.model',
  responseFinishReasons: 'gen_ai.response.finish_reasons',
  responseTimeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  usageInputTokens: 'gen_ai.usage.input_tokens',
  usageOutputTokens: 'gen_ai.usage.output_tokens',
  usageCacheReadInputTokens: 'gen_ai.usage.cache_read.input_tokens',
  usageReasoningOutputTokens: 'gen_ai.usage.reasoning.output_tokens',
  embeddingsDimensionCount: 'gen_ai.embeddings.dimension.count',
  dataSourceId: 'gen_ai.data_source.id',
  toolName: 'gen_ai.tool.name',
  toolType: 'gen_ai.tool.type',
  toolCallId: 'gen_ai.tool.call.id',
  agentName: 'gen_ai.agent.name',
  workflowName: 'gen_ai.workflow.name',
  tokenModality: 'gen_ai.token.modality',
  tokenType: 'gen_ai.token.type',
  openaiRequestServiceTier: 'openai.request.service_tier',
  openaiResponseServiceTier: 'openai.response.service_tier',
  openaiResponseSystemFingerprint: 'openai.response.system_fingerprint',
  openaiApiType: 'openai.api.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  errorType: 'error.type',
  exceptionType: 'exception.type',
  exceptionMessage: 'exception.message',
  exceptionStacktrace: 'exception.stacktrace',
  userId: 'user.id',
} as const;

/** Attributes with content; they are recorded only where `content` allows. */
export const CONTENT = {
  systemInstructions: 'gen_ai.system_instructions',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
  toolDefinitions: 'gen_ai.tool.definitions',
  toolCallArguments: 'gen_ai.tool.call.arguments',
  toolCallResult: 'gen_ai.tool.call.result',
  retrievalDocuments: 'gen_ai.retrieval.documents',
  retrievalQueryText: 'gen_ai.retrieval.query.text',
} as const;

/** Attributes that were renamed. */
export const RENAMED_ATTR = {
  usageCacheWriteInputTokens: {
    latest: 'gen_ai.usage.cache_write.input_tokens',
    'v1.41': 'gen_ai.usage.cache_creation.input_tokens',
  },
} as const satisfies Record<string, Renamed>;

/** Attributes of this package, which the convention does not have. */
export const OWN_ATTR = {
  runId: 'nestjs_llm_callbacks.run.id',
  origin: 'nestjs_llm_callbacks.origin',
  tenantId: 'nestjs_llm_callbacks.tenant.id',
  chainName: 'nestjs_llm_callbacks.chain.name',
  /** US dollars. */
  cost: 'nestjs_llm_callbacks.cost',
  cached: 'nestjs_llm_callbacks.cached',
  aborted: 'nestjs_llm_callbacks.aborted',
  attempts: 'nestjs_llm_callbacks.attempts',
  /** The provider that answered, if it is not the one that was requested. */
  responseProvider: 'nestjs_llm_callbacks.response.provider',
  retryAttempt: 'nestjs_llm_callbacks.retry.attempt',
  retryDelay: 'nestjs_llm_callbacks.retry.delay',
  cacheAge: 'nestjs_llm_callbacks.cache.age',
  approvalStatus: 'nestjs_llm_callbacks.approval.status',
  limiter: 'nestjs_llm_callbacks.limiter.name',
  limiterWaited: 'nestjs_llm_callbacks.limiter.waited',
  handler: 'nestjs_llm_callbacks.handler.name',
  eventType: 'nestjs_llm_callbacks.event.type',
  /** The data of a custom event, as JSON; content. */
  eventData: 'nestjs_llm_callbacks.event.data',
} as const;

/** Events of spans, besides custom ones, which have names of their own. */
export const SPAN_EVENTS = {
  retry: 'retry',
  firstChunk: 'first_chunk',
  limiterWait: 'limiter.wait',
  approval: 'approval',
  cache: 'cache',
} as const;

/** Events that are log records. */
export const LOG_EVENTS = {
  details: 'gen_ai.client.inference.operation.details',
  exception: 'gen_ai.client.operation.exception',
} as const;

/** Metrics; those of one version alone have one column. */
export const METRICS = {
  inferenceDuration: {
    latest: 'gen_ai.client.inference.duration',
    'v1.41': 'gen_ai.client.operation.duration',
  },
  embeddingsDuration: {
    latest: 'gen_ai.client.embeddings.duration',
    'v1.41': 'gen_ai.client.operation.duration',
  },
  /** Of client operations that have no metric of their own: retrievals. */
  operationDuration: {
    latest: 'gen_ai.client.operation.duration',
    'v1.41': 'gen_ai.client.operation.duration',
  },
  timeToFirstChunk: {
    latest: 'gen_ai.client.inference.time_to_first_chunk',
    'v1.41': 'gen_ai.client.operation.time_to_first_chunk',
  },
  timePerOutputChunk: {
    latest: 'gen_ai.client.inference.time_per_output_chunk',
    'v1.41': 'gen_ai.client.operation.time_per_output_chunk',
  },
  tokenUsage: { 'v1.41': 'gen_ai.client.token.usage' },
  usageInputTokens: { latest: 'gen_ai.client.inference.usage.input_tokens' },
  usageOutputTokens: { latest: 'gen_ai.client.inference.usage.output_tokens' },
  usageCacheReadInputTokens: { latest: 'gen_ai.client.inference.usage.cache_read.input_tokens' },
  usageCacheWriteInputTokens: { latest: 'gen_ai.client.inference.usage.cache_write.input_tokens' },
  usageReasoningOutputTokens: { latest: 'gen_ai.client.inference.usage.reasoning.output_tokens' },
  operationInputTokens: { latest: 'gen_ai.client.inference.operation.input_tokens' },
  operationOutputTokens: { latest: 'gen_ai.client.inference.operation.output_tokens' },
  embeddingsInputTokens: { latest: 'gen_ai.client.embeddings.operation.input_tokens' },
  agentDuration: { latest: 'gen_ai.invoke_agent.duration' },
  agentInferenceCalls: { latest: 'gen_ai.invoke_agent.inference_calls' },
  agentToolCalls: { latest: 'gen_ai.invoke_agent.tool_calls' },
  toolDuration: { latest: 'gen_ai.execute_tool.duration' },
  workflowDuration: { latest: 'gen_ai.invoke_workflow.duration' },
} as const satisfies Record<string, Renamed>;

/** Metrics of this package, which the convention does not have. */
export const OWN_METRICS = {
  cost: 'nestjs_llm_callbacks.cost',
  limiterRejections: 'nestjs_llm_callbacks.limiter.rejections',
  limiterWait: 'nestjs_llm_callbacks.limiter.wait',
  handlerDuration: 'nestjs_llm_callbacks.handler.duration',
  handlerErrors: 'nestjs_llm_callbacks.handler.errors',
} as const;
