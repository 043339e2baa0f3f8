import { toJsonText } from '../../events/serialize.js';
import { toUsage, type Usage } from '../../types/usage.js';
import type { LlmRequest } from '../../types/llm.js';
import type { ToolCall } from '../../types/message.js';

/** English has about four characters per token, https://platform.openai.com/tokenizer; other scripts about one. */
const ASCII_PER_TOKEN = 4;
/** What providers add around each message. */
const TOKENS_PER_MESSAGE = 4;
/** An image of about 1000 × 1000 pixels; the real size is not known here. */
const TOKENS_PER_IMAGE = 1_500;

/** Approximate number of tokens of a text. */
export function estimateTokens(text: string): number {
  let other = 0;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) other++;
  return Math.ceil((text.length - other) / ASCII_PER_TOKEN) + other;
}

/** How the requests of one billable kind are measured before they are sent, and where a server does not count. */
export interface RequestMeasure<Q> {
  /** The most input tokens that a request can have. */
  maxInputTokens(request: Q): number;
  /** The fewest input tokens that a request can have. */
  minInputTokens(request: Q): number;
  /** The approximate number of input tokens. */
  inputTokens(request: Q): number;
  /** The most output tokens; 0 for a kind without output, `undefined` if the request sets no limit. */
  maxOutputTokens(request: Q): number | undefined;
}

/** The measure of LLM calls. */
export const LLM_MEASURE: RequestMeasure<LlmRequest> = {
  maxInputTokens,
  minInputTokens,
  inputTokens: (request) => inputTokens(request, estimateTokens),
  maxOutputTokens: ({ maxOutputTokens }) => maxOutputTokens,
};

/** A request whose input can be estimated. */
interface EstimatedInput {
  readonly inputTokens: number;
}

/** Tokens that requests have besides their texts. */
const BESIDE_TEXTS = { message: TOKENS_PER_MESSAGE, image: TOKENS_PER_IMAGE };
/** More than any common text has: English has about four bytes per token. */
const MOST_BYTES_PER_TOKEN = 8;

/** The most input tokens that a request can have: a token is at least one byte. Images count as 1,500 tokens each. */
function maxInputTokens(request: LlmRequest): number {
  let tokens = inputTokens(request, (text) => Buffer.byteLength(text));
  for (const { providerData } of request.messages) {
    if (providerData !== undefined) tokens += Buffer.byteLength(toJsonText(providerData));
  }
  return tokens;
}

/** The fewest input tokens that a request can have: an eighth of the bytes of its texts. Images do not count. */
function minInputTokens(request: LlmRequest): number {
  const bytes = inputTokens(request, (text) => Buffer.byteLength(text), { message: 0, image: 0 });
  return minTokensOf(bytes);
}

/** The fewest tokens that texts with a number of UTF-8 bytes can have. */
export function minTokensOf(bytes: number): number {
  return Math.ceil(bytes / MOST_BYTES_PER_TOKEN);
}

/** Approximate number of tokens of tool calls as a model writes them: their names and arguments. */
export function estimateToolCalls(toolCalls: readonly ToolCall[]): number {
  let tokens = 0;
  // A custom provider may leave out either.
  for (const { name, argsText } of toolCalls as readonly Partial<ToolCall>[]) {
    tokens += estimateTokens(name ?? '') + estimateTokens(argsText ?? '');
  }
  return tokens;
}

/** The usage of a call whose server reported no counts, or only some of them before the call was cut short. */
export function estimateUsage(
  request: EstimatedInput,
  outputTokens: number,
  counted?: Usage,
): Usage {
  if (counted?.source === 'provider') return counted;
  return toUsage({
    ...counted,
    inputTokens: counted?.inputTokens || request.inputTokens,
    outputTokens: Math.max(outputTokens, counted?.outputTokens ?? 0),
    source: 'estimated',
  });
}

/** How far an estimate may exceed the real count: long runs of one character, texts that are not English. */
const ESTIMATE_ABOVE = 4;

/**
 * The usage of a complete answer whose server did not count all of it. Reported counts are kept, except an output count
 * far below what was written, as in the first event of a stream.
 */
export function completeUsage(
  request: EstimatedInput,
  outputTokens: number,
  counted: Usage,
): Usage {
  const isCounted = counted.outputTokens * ESTIMATE_ABOVE >= outputTokens;
  return toUsage({
    ...counted,
    inputTokens: counted.inputTokens || request.inputTokens,
    outputTokens: isCounted ? counted.outputTokens : outputTokens,
    source: 'estimated',
  });
}

function inputTokens(
  request: LlmRequest,
  tokensOf: (text: string) => number,
  { message, image } = BESIDE_TEXTS,
): number {
  const { system = '', tools = [], schema, messages } = request;
  let tokens = tokensOf(system) + (tools.length > 0 ? tokensOf(schemaText(tools)) : 0);
  if (schema !== undefined) tokens += tokensOf(schemaText(schema));
  for (const { content, toolCalls = [] } of messages) {
    tokens += message;
    for (const { name, argsText } of toolCalls) tokens += tokensOf(name) + tokensOf(argsText);
    if (typeof content === 'string') tokens += tokensOf(content);
    else for (const part of content) tokens += part.type === 'text' ? tokensOf(part.text) : image;
  }
  return tokens;
}

/** Schemas were checked when they were given, except those that interceptors replaced. */
function schemaText(schema: object): string {
  try {
    return JSON.stringify(schema);
  } catch {
    return toJsonText(schema);
  }
}
