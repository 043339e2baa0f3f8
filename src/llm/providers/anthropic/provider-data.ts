import type { Message, ToolCall } from '../../../types/message.js';
import type { AnsweredCall } from '../shared/history.js';
import { isObject, isWritable, objectOf, type WireObject } from '../shared/wire-values.js';
import { blockFilter } from './valid-blocks.js';

/** A message's blocks as Anthropic sent them. */
interface AnthropicData {
  /** The client's label: other servers reject what one server signed. */
  readonly provider: string;
  readonly content: readonly WireObject[];
  /** Where the provider's own code runs that made the calls. */
  readonly container?: WireObject;
}

/** Fields that a {@link Message} already expresses. */
const SAID_BY_MESSAGE: ReadonlyMap<unknown, ReadonlySet<string>> = new Map([
  ['text', new Set(['type', 'text', 'citations'])],
  ['tool_use', new Set(['type', 'id', 'name', 'input'])],
]);

/** The message of an answer; keeps the blocks as they are if some of them (thinking …) must go back unchanged. */
export function toMessage(
  text: string,
  toolCalls: ToolCall[],
  {
    provider,
    content,
    container,
  }: Omit<AnthropicData, 'container'> & {
    container: WireObject | undefined;
  },
): Message {
  const message: Message = { role: 'assistant', content: text };
  if (toolCalls.length > 0) message.toolCalls = toolCalls;
  if (container !== undefined || content.some(isOpaque)) {
    const data: AnthropicData = {
      provider,
      content,
      ...(container && { container }),
    };
    message.providerData = data;
  }
  return message;
}

function isOpaque(block: WireObject): boolean {
  const said = SAID_BY_MESSAGE.get(block['type']);
  return said === undefined || Object.keys(block).some((field) => !said.has(field));
}

/** The data to send back with a message, if its opaque data comes from this provider. */
export function ownData(
  providerData: unknown,
  provider: string,
): { content: WireObject[]; container: unknown } | undefined {
  const { provider: sender, api, content, container } = objectOf(providerData);
  // Data of OpenAI's APIs names its API.
  const isOwn = sender === provider && api === undefined;
  if (!isOwn || !Array.isArray(content)) return undefined;
  return { content: content.filter(isObject), container: objectOf(container)['id'] };
}

/**
 * The blocks of a turn as they go back: its tool calls as the conversation has them, and the other blocks that
 * Anthropic accepts, unchanged.
 */
export function ownBlocks(
  content: readonly WireObject[],
  calls: readonly AnsweredCall[],
): object[] {
  const left = [...calls];
  const isValid = blockFilter(calls.map(({ id }) => id));
  const blocks = content.flatMap((block): object[] => {
    if (block['type'] !== 'tool_use') return isValid(block) ? [block] : [];
    const call = left.shift();
    if (call === undefined) return [];
    return [isWritable(block) ? { ...block, ...toolUse(call) } : toolUse(call)];
  });
  blocks.push(...left.map(toolUse));
  // A turn that ends with a thinking block is rejected.
  while (THOUGHTS.has((blocks.at(-1) as WireObject | undefined)?.['type'])) blocks.pop();
  return blocks;
}

const THOUGHTS: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking']);

/** A call in Anthropic's format. */
export function toolUse({ id, name, args }: AnsweredCall): object {
  return { type: 'tool_use', id, name, input: args };
}
