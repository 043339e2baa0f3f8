import { LlmResponseError } from '../errors/index.js';
import { toUsage, type LlmChunk, type LlmResponse, type ProviderResult } from '../shapes/index.js';
import type { CallMeter } from './call-meter.js';
import type { LlmCallSpec } from './call-spec.js';

/** Whether an item of a provider's stream is a chunk; the last one is the result. */
export function isChunk(item: LlmChunk | ProviderResult): item is LlmChunk {
  return 'type' in (Object(item) as object);
}

/** What a provider of any make gave as its answer, so that the call cannot fail any more while it ends. */
export function checkResult({ client, request }: LlmCallSpec, given: unknown): ProviderResult {
  const result = Object(given) as ProviderResult;
  if (typeof result.text !== 'string' || !result.usage) {
    throw new LlmResponseError(
      `The provider "${client.label}" gave no ProviderResult: it needs a text and a usage at least.`,
    );
  }
  const { text } = result;
  // Compatible servers, and mocks, leave out what few people miss. Written out, because a spread is slow on Node 20.
  return {
    id: result.id || '',
    model: result.model || request.model,
    text,
    message: result.message ?? { role: 'assistant', content: text },
    toolCalls: result.toolCalls ?? [],
    finishReason: result.finishReason ?? 'other',
    usage: toUsage(result.usage),
    raw: result.raw,
  };
}

/** The answer as the caller gets it. Field by field: on Node 20, a spread costs more than all the rest of a call's end. */
export function toResponse(
  result: ProviderResult,
  provider: string,
  meter: CallMeter,
  object: unknown,
): LlmResponse {
  const response: LlmResponse = {
    id: result.id,
    provider,
    model: result.model,
    text: result.text,
    message: result.message,
    toolCalls: result.toolCalls,
    finishReason: result.finishReason,
    usage: meter.total.usage,
    cost: meter.total.cost,
    durationMs: meter.durationMs,
    attempts: meter.attempts,
  };
  const { timeToFirstChunkMs } = meter;
  if (timeToFirstChunkMs !== undefined) response.timeToFirstChunkMs = timeToFirstChunkMs;
  if (object !== undefined) response.object = object;
  if (result.raw !== undefined) response.raw = result.raw;
  return response;
}
