import type OpenAI from 'openai';
import type { Message, ToolCall } from '../../shapes/index.js';

type OutputItem = OpenAI.Responses.ResponseOutputItem;

/** A message's items as the Responses API sent them. */
interface ResponsesData {
  /** The client's label: thoughts that one server encrypted are refused by another. */
  readonly provider: string;
  readonly api: 'responses';
  readonly output: OutputItem[];
}

/**
 * The message of an answer; keeps the items as they are when some of them (reasoning …) must be sent back unchanged and
 * in their order.
 */
export function toMessage(
  text: string,
  toolCalls: ToolCall[],
  { provider, output, isStored }: { provider: string; output: OutputItem[]; isStored: boolean },
): Message {
  const message: Message = { role: 'assistant', content: text };
  if (toolCalls.length > 0) message.toolCalls = toolCalls;
  const known = output.filter((item) => isStored || isWhole(item));
  if (known.some(isOpaque)) {
    const providerData: ResponsesData = { provider, api: 'responses', output: known };
    message.providerData = providerData;
  }
  return message;
}

/** The items to send back, if a message's opaque data comes from that provider's Responses API. */
export function ownOutput(providerData: unknown, provider: string): OutputItem[] | undefined {
  const data = providerData as Partial<ResponsesData> | undefined;
  const isOwn = data?.api === 'responses' && data.provider === provider;
  return isOwn && Array.isArray(data.output) ? data.output : undefined;
}

/** A server that stores nothing refuses thoughts by their id alone. */
function isWhole(item: OutputItem): boolean {
  return item.type !== 'reasoning' || Boolean(item.encrypted_content || item.content?.length);
}

/** Whether a {@link Message} cannot say it in its own words. */
function isOpaque(item: OutputItem): boolean {
  if (item.type === 'message') return Boolean(item.phase);
  return item.type !== 'function_call';
}
