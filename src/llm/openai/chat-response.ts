import type OpenAI from 'openai';
import { LlmResponseError } from '../../errors/index.js';
import type { FinishReason, Message, ProviderResult, ToolCall } from '../../shapes/index.js';
import { toLlmError } from '../sdk/to-llm-error.js';
import { toToolCall } from '../tool-call.js';
import { readOpenAiUsage, usageIn } from './openai-usage.js';

/** An answer of a chat completion. */
export function decodeChatCompletion(answer: object, provider: string): ProviderResult {
  const { id, model, choices } = answer as OpenAI.ChatCompletion;
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
    usage: readOpenAiUsage(usageIn(answer)),
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
