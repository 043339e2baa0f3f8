import type OpenAI from 'openai';
import { LlmResponseError } from '../../errors/index.js';
import {
  toUsage,
  UNREPORTED_USAGE,
  type FinishReason,
  type Message,
  type ProviderResult,
  type ToolCall,
  type Usage,
} from '../../shapes/index.js';
import { toLlmError } from '../sdk/to-llm-error.js';
import { toToolCall } from '../tool-call.js';

/** An answer of a chat completion. */
export function decodeChatCompletion(answer: object, provider: string): ProviderResult {
  const { id, model, choices, usage } = answer as OpenAI.ChatCompletion;
  const choice = choices?.[0];
  if (choice === undefined) throw noChoice(answer, provider);
  const { content, refusal, tool_calls: calls } = choice.message;
  const text = content ?? refusal ?? '';
  const toolCalls = (calls ?? []).flatMap((call) =>
    call.type === 'function'
      ? [toToolCall(call.id, call.function.name, call.function.arguments)]
      : [],
  );
  return {
    id,
    model,
    text,
    message: assistantMessage(text, toolCalls),
    toolCalls,
    finishReason: toFinishReason(choice.finish_reason),
    usage: decodeUsage(usage),
    raw: answer,
  };
}

/** Some servers answer an error with a good status. */
function noChoice(answer: object, provider: string): Error {
  const { error } = answer as { error?: object };
  if (typeof error === 'object' && error !== null) return toLlmError(provider, error);
  return new LlmResponseError(`${provider} sent an answer without a choice.`);
}

export function assistantMessage(text: string, toolCalls: ToolCall[]): Message {
  const message: Message = { role: 'assistant', content: text };
  if (toolCalls.length > 0) message.toolCalls = toolCalls;
  return message;
}

export function toFinishReason(reason: string | null | undefined): FinishReason {
  switch (reason) {
    case 'stop':
    case 'length':
      return reason;
    case 'tool_calls':
    case 'function_call':
      return 'tool-calls';
    case 'content_filter':
      return 'content-filter';
    default:
      return 'other';
  }
}

/** OpenAI's `prompt_tokens` include cached ones, and its `completion_tokens` include reasoning. */
export function decodeUsage(usage: OpenAI.CompletionUsage | null | undefined): Usage {
  if (!usage) return UNREPORTED_USAGE;
  const { prompt_tokens_details: input, completion_tokens_details: output } = usage;
  return toUsage({
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    cachedInputTokens: input?.cached_tokens ?? 0,
    cacheWriteTokens: input?.cache_write_tokens ?? 0,
    reasoningTokens: output?.reasoning_tokens ?? 0,
  });
}
