import { toJsonText } from '../../events/json-text.js';
import { toUsage, type Usage } from '../../types/usage.js';
import type { LlmRequest } from '../../types/llm.js';
import type { ToolCall } from '../../types/message.js';

/** About four characters of English are a token, https://platform.openai.com/tokenizer; of other scripts about one. */
const ASCII_PER_TOKEN = 4;
/** What providers add around each message. */
const TOKENS_PER_MESSAGE = 4;
/** A picture of about 1000 × 1000 pixels; its real size is not known here. */
const TOKENS_PER_IMAGE = 1_500;

/** Tokens of a text, roughly. */
export function estimateTokens(text: string): number {
  let other = 0;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) other++;
  return Math.ceil((text.length - other) / ASCII_PER_TOKEN) + other;
}

/** What requests have besides texts. */
const BESIDE_TEXTS = { message: TOKENS_PER_MESSAGE, image: TOKENS_PER_IMAGE };
/** More than tokens of any common text have: English has about four bytes a token. */
const MOST_BYTES_PER_TOKEN = 8;

/** The most input tokens that a request can have: none is shorter than a byte. Pictures count as 1,500 tokens each. */
export function maxInputTokens(request: LlmRequest): number {
  let tokens = inputTokens(request, (text) => Buffer.byteLength(text));
  for (const { providerData } of request.messages) {
    if (providerData !== undefined) tokens += Buffer.byteLength(toJsonText(providerData));
  }
  return tokens;
}

/** The fewest input tokens that a request may have: an eighth of the bytes of its texts. Pictures do not count. */
export function minInputTokens(request: LlmRequest): number {
  const bytes = inputTokens(request, (text) => Buffer.byteLength(text), { message: 0, image: 0 });
  return Math.ceil(bytes / MOST_BYTES_PER_TOKEN);
}

/** Tokens of tool calls as a model writes them, roughly: their names and arguments. */
export function estimateToolCalls(toolCalls: readonly ToolCall[]): number {
  let tokens = 0;
  // A provider of the application's own may leave out either.
  for (const { name, argsText } of toolCalls as readonly Partial<ToolCall>[]) {
    tokens += estimateTokens(name ?? '') + estimateTokens(argsText ?? '');
  }
  return tokens;
}

/** The usage of a call whose server counted nothing, or only a part of it before it was cut short. */
export function estimateUsage(request: LlmRequest, outputTokens: number, counted?: Usage): Usage {
  if (counted?.source === 'provider') return counted;
  return toUsage({
    ...counted,
    inputTokens: counted?.inputTokens || inputTokens(request, estimateTokens),
    outputTokens: Math.max(outputTokens, counted?.outputTokens ?? 0),
    source: 'estimated',
  });
}

/** How far an estimate of tokens may be above what they are: long runs of one character, texts that are not English. */
const ESTIMATE_ABOVE = 4;

/**
 * The usage of a whole answer whose server did not count all of it: what it did count is kept, but for an output that is
 * far below what was written, as the first event of a stream counts it.
 */
export function completeUsage(request: LlmRequest, outputTokens: number, counted: Usage): Usage {
  const isCounted = counted.outputTokens * ESTIMATE_ABOVE >= outputTokens;
  return toUsage({
    ...counted,
    inputTokens: counted.inputTokens || inputTokens(request, estimateTokens),
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

/** Schemas were checked when they were given, but for those that interceptors put in their place. */
function schemaText(schema: object): string {
  try {
    return JSON.stringify(schema);
  } catch {
    return toJsonText(schema);
  }
}
