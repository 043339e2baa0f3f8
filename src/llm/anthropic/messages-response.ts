import type Anthropic from '@anthropic-ai/sdk';
import type { FinishReason, ProviderResult } from '../../shapes/index.js';
import { toToolCall } from '../tool-call.js';
import { readAnthropicUsage } from './anthropic-usage.js';
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
    usage: readAnthropicUsage(usage),
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
