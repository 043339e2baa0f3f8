import type OpenAI from 'openai';
import { LlmResponseError, LlmServerError } from '../../errors/index.js';
import type { FinishReason, ProviderResult } from '../../shapes/index.js';
import { toldError } from '../sdk/told-error.js';
import { toLlmError } from '../sdk/to-llm-error.js';
import { toToolCall } from '../tool-call.js';
import { readOpenAiUsage } from './openai-usage.js';
import { toMessage } from './responses-data.js';

/** Compatible servers, and mocks, leave out what few people miss. */
export type LenientResponse = Partial<OpenAI.Responses.Response>;
type OutputItem = OpenAI.Responses.ResponseOutputItem;

/** An answer that is no answer yet, or will never be one. */
const UNFINISHED = new Set<unknown>(['queued', 'in_progress', 'cancelled']);

/** An answer of the Responses API. */
export function decodeResponse(answer: object, provider: string): ProviderResult {
  const response: LenientResponse = answer;
  const failure = failureOf(response, provider);
  if (failure !== undefined) throw failure;
  const { output_text: ready } = response;
  if (!response.output && typeof ready !== 'string') {
    throw new LlmResponseError(`${provider} sent an answer without an output.`);
  }
  const output = response.output ?? [];
  const text = output.length > 0 ? output.map(textOf).join('') : (ready ?? '');
  const toolCalls = output.flatMap((item) =>
    item.type === 'function_call'
      ? [toToolCall(callIdOf(item), item.name, item.arguments ?? '')]
      : [],
  );
  return {
    id: response.id ?? '',
    model: response.model ?? '',
    text,
    message: toMessage(text, toolCalls, { provider, output, isStored: isStored(response) }),
    toolCalls,
    finishReason: toFinishReason(response, toolCalls.length > 0),
    usage: readOpenAiUsage(response.usage),
    raw: answer,
  };
}

/** Why there is no answer, if there is none; some servers answer an error with a good status. */
export function failureOf(response: LenientResponse, provider: string): Error | undefined {
  const { error, status } = response;
  if (error) return toLlmError(provider, toldError(error));
  if (status === 'failed') return new LlmServerError(`${provider} failed, and does not say why.`);
  if (!UNFINISHED.has(status)) return undefined;
  return new LlmResponseError(
    `${provider} sent an answer whose status is "${status}": answers are waited for here, so leave out "background" from providerOptions.`,
  );
}

/** What a message says, or refuses to say; nothing for items of other kinds. */
export function textOf(item: OutputItem): string {
  if (item.type !== 'message') return '';
  return (item.content ?? [])
    .map((part) => (part.type === 'refusal' ? part.refusal : part.text))
    .join('');
}

/** By what a tool's answer names its call. */
export function callIdOf({ call_id, id }: { call_id?: string; id?: string }): string {
  return call_id || id || '';
}

/** Whether the server keeps the answer, so that its items can be named by their ids. */
export function isStored({ store }: LenientResponse & { store?: unknown }): boolean {
  return store === true;
}

export function toFinishReason(response: LenientResponse, hasToolCalls: boolean): FinishReason {
  const { status, incomplete_details: incomplete } = response;
  if (status !== 'incomplete' && !incomplete) return hasToolCalls ? 'tool-calls' : 'stop';
  switch (incomplete?.reason) {
    case 'max_output_tokens':
      return 'length';
    case 'content_filter':
      return 'content-filter';
    default:
      return 'other';
  }
}
