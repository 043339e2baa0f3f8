import type { Message, ToolCall } from '../../shapes/index.js';

/** A message's blocks as Anthropic sent them. */
interface AnthropicData {
  readonly provider: 'anthropic';
  readonly content: Record<string, unknown>[];
}

/** Blocks that a {@link Message} says in its own words. */
const SAID_BY_MESSAGE = new Set(['text', 'tool_use']);

/** The message of an answer; keeps the blocks as they are when some of them (thinking …) must be sent back unchanged. */
export function toMessage(
  text: string,
  toolCalls: ToolCall[],
  blocks: readonly { type: string }[],
): Message {
  const isOpaque = blocks.some(({ type }) => !SAID_BY_MESSAGE.has(type));
  const providerData: AnthropicData = { provider: 'anthropic', content: [...blocks] };
  return {
    role: 'assistant',
    content: text,
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(isOpaque && { providerData }),
  };
}

/** The blocks to send back, if a message's opaque data is Anthropic's. */
export function ownBlocks(providerData: unknown): Record<string, unknown>[] | undefined {
  const data = providerData as Partial<AnthropicData> | undefined;
  return data?.provider === 'anthropic' && Array.isArray(data.content) ? data.content : undefined;
}
