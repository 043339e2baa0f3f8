import {
  toUsage,
  type LlmEstimate,
  type LlmRequest,
  type Message,
  type Usage,
} from '../shapes/index.js';

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

/** What a request is expected to use. */
export function estimateRequest(request: LlmRequest): LlmEstimate {
  let inputTokens = estimateTokens(request.system ?? '');
  if (request.tools?.length) inputTokens += estimateTokens(JSON.stringify(request.tools));
  for (const message of request.messages)
    inputTokens += TOKENS_PER_MESSAGE + estimateMessage(message);
  return { inputTokens, maxOutputTokens: request.maxOutputTokens };
}

/** The usage of a call whose server counted nothing, or only a part of it before it was cut short. */
export function estimateUsage(request: LlmRequest, outputTokens: number, counted?: Usage): Usage {
  if (counted?.source === 'provider') return counted;
  return toUsage({
    ...counted,
    inputTokens: counted?.inputTokens || estimateRequest(request).inputTokens,
    outputTokens: Math.max(outputTokens, counted?.outputTokens ?? 0),
    source: 'estimated',
  });
}

function estimateMessage({ content, toolCalls }: Message): number {
  let tokens = 0;
  for (const { name, argsText } of toolCalls ?? [])
    tokens += estimateTokens(name) + estimateTokens(argsText);
  if (typeof content === 'string') return tokens + estimateTokens(content);
  for (const part of content)
    tokens += part.type === 'text' ? estimateTokens(part.text) : TOKENS_PER_IMAGE;
  return tokens;
}
