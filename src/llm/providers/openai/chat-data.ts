import type { ContentPart, Message, ToolCall } from '../../../types/message.js';
import {
  isObject,
  isWritable,
  jsonTextOf,
  listOf,
  objectOf,
  textOf,
  type WireObject,
} from '../shared/wire-values.js';

/** What a chat completions server requires back with its model's message, unchanged. */
interface ChatData {
  /** The client's label: other servers reject what one server signed. */
  readonly provider: string;
  readonly api: 'chat';
  /** Fields of the message: `reasoning_content`, `reasoning_details`, `extra_content`. */
  readonly fields: WireObject;
  /** `extra_content` of its calls, by their ids. */
  readonly calls?: Readonly<Record<string, WireObject>>;
}

/**
 * Collects what goes back with a message: DeepSeek's and Moonshot's `reasoning_content`, OpenRouter's
 * `reasoning_details`, Gemini's thought signatures in `extra_content`. Pieces of a stream are joined, or kept in order.
 */
export class ChatDataCollector {
  #reasoning: string | undefined;
  #details: unknown[] | undefined;
  #extraContent: WireObject | undefined;

  /**
   * @param said a message, or a delta of one
   * @param collect whether texts are kept; what is incomplete without them does not go back
   */
  add(said: WireObject, collect: boolean): void {
    const { extra_content: extraContent } = said;
    if (isObject(extraContent)) this.#extraContent = { ...this.#extraContent, ...extraContent };
    if (!collect) return;
    const { reasoning_content: reasoning, reasoning_details: details } = said;
    if (typeof reasoning === 'string') this.#reasoning = (this.#reasoning ?? '') + reasoning;
    if (Array.isArray(details) && details.length > 0)
      this.#details = [...(this.#details ?? []), ...(details as unknown[])];
  }

  /** The assistant's message, with the data that goes back beside its content. */
  toMessage(
    text: string,
    toolCalls: ToolCall[],
    provider: string,
    calls: ChatData['calls'],
  ): Message {
    const message: Message = { role: 'assistant', content: text };
    if (toolCalls.length > 0) message.toolCalls = toolCalls;
    const fields = this.#fields();
    if (calls !== undefined || Object.keys(fields).length > 0) {
      const data: ChatData = { provider, api: 'chat', fields, ...(calls && { calls }) };
      message.providerData = data;
    }
    return message;
  }

  #fields(): WireObject {
    const fields: Record<string, unknown> = {};
    if (this.#reasoning !== undefined) fields['reasoning_content'] = this.#reasoning;
    if (this.#details !== undefined) fields['reasoning_details'] = this.#details;
    if (this.#extraContent !== undefined) fields['extra_content'] = this.#extraContent;
    return fields;
  }
}

/** The data to send back with a message, if its opaque data comes from this provider's chat completions. */
export function ownChatData(
  providerData: unknown,
  provider: string,
): Pick<ChatData, 'fields' | 'calls'> | undefined {
  const data = objectOf(providerData) as Partial<ChatData>;
  if (data.api !== 'chat' || data.provider !== provider) return undefined;
  return {
    fields: writable(objectOf(data.fields)),
    calls: writable(objectOf(data.calls)) as ChatData['calls'] & {},
  };
}

function writable(fields: WireObject): WireObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isWritable(value)));
}

/** A section of what a model wrote. */
interface Written {
  readonly type: 'text' | 'reasoning' | 'refusal';
  readonly text: string;
}

/**
 * The sections in the `content` of a message or a delta. Most servers send a text; Mistral's reasoning models a list of
 * parts; some gateways the very object of a structured answer.
 */
export function writtenIn(content: unknown): Written[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (Array.isArray(content)) return content.flatMap(partOf);
  if (content === undefined || content === null) return [];
  return isObject(content) && isPart(content)
    ? partOf(content)
    : [{ type: 'text', text: jsonTextOf(content) }];
}

const PART_TYPES: ReadonlySet<unknown> = new Set([
  'text',
  'output_text',
  'thinking',
  'reasoning',
  'refusal',
]);

function isPart({ type, text, thinking, reasoning, refusal }: WireObject): boolean {
  return PART_TYPES.has(type) && (text ?? thinking ?? reasoning ?? refusal) !== undefined;
}

function partOf(part: unknown): Written[] {
  if (typeof part === 'string') return writtenIn(part);
  if (!isObject(part)) return [];
  switch (part['type']) {
    case 'thinking':
    case 'reasoning':
      return written('reasoning', plainText(part['thinking'] ?? part['reasoning'] ?? part['text']));
    case 'refusal':
      return written('refusal', textOf(part['refusal']));
    default:
      return written('text', textOf(part['text']));
  }
}

/** Reasoning is a text, or again a list of parts. */
function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  return listOf(value)
    .map((part) => (isObject(part) ? textOf(part['text']) : textOf(part)))
    .join('');
}

function written(type: Written['type'], text: string): Written[] {
  return text === '' ? [] : [{ type, text }];
}

/** The URL of an image; its bytes become a data URL, which both of OpenAI's APIs accept. */
export function imageUrl(part: Exclude<ContentPart, { type: 'text' }>): string {
  return 'url' in part
    ? part.url
    : `data:${part.mediaType};base64,${Buffer.from(part.data).toString('base64')}`;
}
