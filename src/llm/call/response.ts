import { CallbacksConfigurationError } from '../../errors/callbacks-error.js';
import { LlmResponseError } from '../../errors/llm-errors.js';
import type { LlmChunk, LlmResponse, ProviderResult } from '../../types/llm.js';
import { NO_USAGE, toUsage, type Usage } from '../../types/usage.js';
import { callable } from '../providers/shared/wire-values.js';
import type { LlmTarget, UsageAndCost } from './metering.js';
import type { AnswerFacts } from './model-call.js';

/** Whether an item of a provider's stream is a chunk; the last item is the result. */
export function isChunk(item: unknown): item is LlmChunk {
  return 'type' in (Object(item) as object);
}

/** An answer: a provider's, or what interceptors returned. */
export type Answer = ProviderResult & Partial<Pick<LlmResponse, 'provider' | 'object'>>;

/** The answer of a cancelled stream: what had arrived by then. */
export function cancelledAnswer(text: string, model: string, usage: Usage): Answer {
  return {
    id: '',
    model,
    text,
    message: { role: 'assistant', content: text },
    toolCalls: [],
    finishReason: 'cancelled',
    usage,
  };
}

/** Checks the answer of any provider, so that the call can no longer fail while it ends. */
export function checkResult({ client, request }: LlmTarget, given: unknown): ProviderResult {
  const result = Object(given) as ProviderResult;
  if (typeof result.text !== 'string' || !result.usage) {
    throw new LlmResponseError(
      `The provider "${client.label}" gave no ProviderResult: it needs a text and a usage at least.`,
    );
  }
  return filledIn(result, request.model);
}

/** Checks the answer that an interceptor returned. */
export function checkAnswer(
  interceptor: string,
  { client, request }: LlmTarget,
  given: unknown,
): Answer {
  const answer = Object(given) as Answer;
  if (typeof answer.text !== 'string') {
    throw new CallbacksConfigurationError(
      `${interceptor} gave no LlmResponse: return what next() gives, or an object with a text at least.`,
    );
  }
  const filled: Answer = filledIn(answer, request.model);
  filled.provider = answer.provider ?? client.label;
  if (answer.cached !== undefined) filled.cached = answer.cached;
  return filled;
}

function filledIn(result: ProviderResult, model: string): ProviderResult {
  const { text } = result;
  const finishReason = result.finishReason ?? 'other';
  const given = result.message ?? { role: 'assistant', content: text };
  const toolCalls = callable(result.toolCalls ?? [], finishReason);
  // Compatible servers and mocks leave out rarely used fields. Written out, because a spread is slow on Node 20.
  return {
    id: result.id || '',
    model: result.model || model,
    text,
    message: toolCalls === result.toolCalls ? given : { ...given, toolCalls },
    toolCalls,
    finishReason,
    usage: toUsage(result.usage ?? NO_USAGE),
    raw: result.raw,
  };
}

/** The answer as the caller gets it. Field by field: on Node 20, a spread costs more than the rest of a call's end. */
export function toResponse(
  result: Answer,
  provider: string,
  { usage, cost }: UsageAndCost,
  facts: AnswerFacts,
): LlmResponse {
  const response: LlmResponse = {
    id: result.id,
    provider: result.provider ?? provider,
    model: result.model,
    text: result.text,
    message: result.message,
    toolCalls: result.toolCalls,
    finishReason: result.finishReason,
    usage,
    cost,
    durationMs: facts.durationMs,
    attempts: facts.attempts,
  };
  const { timeToFirstChunkMs, chunkGapsMs, tokensPerSecond, limiterWaitMs } = facts;
  if (timeToFirstChunkMs !== undefined) response.timeToFirstChunkMs = timeToFirstChunkMs;
  if (chunkGapsMs !== undefined) response.chunkGapsMs = chunkGapsMs;
  if (tokensPerSecond !== undefined) response.tokensPerSecond = tokensPerSecond;
  if (limiterWaitMs !== undefined) response.limiterWaitMs = limiterWaitMs;
  if (result.cached !== undefined) response.cached = result.cached;
  if (result.object !== undefined) response.object = result.object;
  if (result.raw !== undefined) response.raw = result.raw;
  return response;
}
