import type Anthropic from '@anthropic-ai/sdk';
import {
  toUsage,
  UNREPORTED_USAGE,
  type FinishReason,
  type ProviderResult,
  type Usage,
} from '../../shapes/index.js';
import { toToolCall } from '../tool-call.js';
import { toMessage } from './provider-data.js';

/** An answer of the messages API. */
export function decodeAnthropicMessage(answer: object): ProviderResult {
  const { id, model, content, stop_reason: stopReason, usage } = answer as Anthropic.Message;
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  const toolCalls = content.flatMap((block) =>
    block.type === 'tool_use'
      ? [toToolCall(block.id, block.name, JSON.stringify(block.input ?? {}))]
      : [],
  );
  return {
    id,
    model,
    text,
    message: toMessage(text, toolCalls, content),
    toolCalls,
    finishReason: toFinishReason(stopReason),
    usage: decodeUsage(usage),
    raw: answer,
  };
}

export function toFinishReason(reason: string | null | undefined): FinishReason {
  switch (reason) {
    case 'end_turn':
    case 'stop_sequence':
      return 'stop';
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'tool_use':
      return 'tool-calls';
    case 'refusal':
      return 'content-filter';
    default:
      return 'other';
  }
}

/** Anthropic's `input_tokens` leave out cached and cache-written ones; its `output_tokens` include thinking. */
export function decodeUsage(usage: Partial<Anthropic.Usage> | null | undefined): Usage {
  if (!usage) return UNREPORTED_USAGE;
  const cachedInputTokens = usage.cache_read_input_tokens ?? 0;
  const cacheWriteTokens = usage.cache_creation_input_tokens ?? 0;
  return toUsage({
    inputTokens: (usage.input_tokens ?? 0) + cachedInputTokens + cacheWriteTokens,
    outputTokens: usage.output_tokens ?? 0,
    cachedInputTokens,
    cacheWriteTokens,
  });
}
