import type { LlmChunk } from '../../../types/llm.js';
import { isToolName, type Message, type ToolCall } from '../../../types/message.js';
import type { AnsweredCall } from '../shared/history.js';
import {
  isObject,
  isWritable,
  jsonTextOf,
  objectOf,
  parsedJson,
  textOf,
  type WireObject,
  type WrittenCall,
} from '../shared/wire-values.js';

/** A content block that is being written; its fields depend on its kind. */
export class AnthropicBlock {
  readonly #block: Record<string, unknown>;
  /** Arguments so far, of an application tool or a provider tool. */
  #args = '';

  /** @param toolIndex which tool call of the answer it is, from 0; -1 for all other blocks */
  constructor(
    content: WireObject,
    readonly toolIndex: number,
    private readonly collect: boolean,
  ) {
    this.#block = { ...content };
  }

  /** Some compatible servers put the first piece of a block into its start. */
  begin(chunks: LlmChunk[]): void {
    const { type, id, name, text, thinking } = this.#block;
    if (this.toolIndex >= 0) {
      chunks.push({
        type: 'tool-call',
        index: this.toolIndex,
        ...(textOf(id) && { id: textOf(id) }),
        name: textOf(name),
        argsDelta: '',
      });
    } else if (type === 'text') this.#restart('text', textOf(text), chunks);
    else if (type === 'thinking') this.#restart('thinking', textOf(thinking), chunks);
  }

  /** Whether a delta of this type belongs to a block of this kind. */
  takes(type: unknown): boolean {
    const { type: kind } = this.#block;
    if (type === 'text_delta') return kind === 'text';
    if (type === 'thinking_delta') return kind === 'thinking';
    return type !== 'input_json_delta' || (kind !== 'text' && kind !== 'thinking');
  }

  append(delta: WireObject, chunks: LlmChunk[]): void {
    switch (delta['type']) {
      case 'text_delta':
        return this.#write('text', textOf(delta['text']), chunks);
      case 'thinking_delta':
        return this.#write('thinking', textOf(delta['thinking']), chunks);
      case 'input_json_delta':
        return this.#appendArgs(jsonTextOf(delta['partial_json']), chunks);
      case 'signature_delta':
        if (typeof delta['signature'] === 'string') this.#block['signature'] = delta['signature'];
        break;
      case 'compaction_delta':
        if (this.collect && typeof delta['content'] === 'string')
          this.#block['content'] = textOf(this.#block['content']) + delta['content'];
        break;
      case 'citations_delta': {
        const { citations } = this.#block;
        if (!isObject(delta['citation'])) break;
        const before = Array.isArray(citations) ? (citations as unknown[]) : [];
        this.#block['citations'] = [...before, delta['citation']];
        break;
      }
      default:
      // A newer kind, for a block that is not sent back whole.
    }
  }

  /** Some compatible servers send a tool's complete arguments with the start of its block. */
  close(chunks: LlmChunk[]): void {
    if (this.#args !== '') return;
    const { input } = this.#block;
    if (isObject(input) && Object.keys(input).length === 0) return;
    this.#appendArgs(jsonTextOf(input), chunks);
  }

  /** The block as a tool call of the answer. */
  get call(): WrittenCall {
    const { id, name } = this.#block;
    return { id: textOf(id), name: textOf(name), args: this.#args };
  }

  /** The block as it came; none if its text was not kept, because Anthropic rejects a signature without text. */
  get whole(): WireObject[] {
    const { type } = this.#block;
    if (!this.collect && (type === 'thinking' || type === 'compaction')) return [];
    if (this.#args === '') return [this.#block];
    const args = parsedJson(this.#args);
    return [{ ...this.#block, input: isObject(args) ? args : {} }];
  }

  #restart(field: 'text' | 'thinking', text: string, chunks: LlmChunk[]): void {
    this.#block[field] = '';
    this.#write(field, text, chunks);
  }

  #write(field: 'text' | 'thinking', text: string, chunks: LlmChunk[]): void {
    if (text === '') return;
    if (this.collect) this.#block[field] = textOf(this.#block[field]) + text;
    chunks.push({ type: field === 'text' ? 'text' : 'reasoning', text });
  }

  #appendArgs(argsDelta: string, chunks: LlmChunk[]): void {
    if (argsDelta === '') return;
    this.#args += argsDelta;
    if (this.toolIndex >= 0) chunks.push({ type: 'tool-call', index: this.toolIndex, argsDelta });
  }
}

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

/** Ids of calls, including calls of the provider's own tools. */
export const ANTHROPIC_ID = /^[a-zA-Z0-9_-]{1,64}$/;

/** What a block of a known kind must hold to be accepted; a signature without text, for instance, is rejected. */
const IS_WHOLE: Readonly<Record<string, (block: WireObject) => boolean>> = {
  text: ({ text }) => textOf(text).trim() !== '',
  // Compatible servers sign nothing, but still require their thinking blocks back.
  thinking: ({ thinking, signature }) =>
    typeof thinking === 'string' &&
    (signature === undefined ? thinking !== '' : textOf(signature) !== ''),
  redacted_thinking: ({ data }) => textOf(data) !== '',
  compaction: ({ content }) => textOf(content) !== '',
  server_tool_use: ({ id, name, input }) =>
    ANTHROPIC_ID.test(textOf(id)) && isToolName(name) && isObject(input),
  mcp_tool_use: ({ id, name, input }) =>
    textOf(id) !== '' && textOf(name) !== '' && isObject(input),
};
const SERVER_CALLS: ReadonlySet<unknown> = new Set(['server_tool_use', 'mcp_tool_use']);

/** The name of a kind. Unknown kinds match too, and go back unchanged. */
const KIND = /^[a-z][a-z0-9_]*$/;

/**
 * Filters the blocks of a turn, one after the other, for those that Anthropic accepts. Blocks in another form are left
 * out, because one such block makes the whole request invalid. A result is kept or dropped with its call.
 *
 * @param ids the ids that other calls of the turn have
 */
function blockFilter(ids: Iterable<string>): (block: WireObject) => boolean {
  const taken = new Set<unknown>(ids);
  const refused = new Set<unknown>();
  return (block) => {
    const { type, id, tool_use_id: callId } = block;
    const isValid = isWhole(block) && !refused.has(callId);
    if (!SERVER_CALLS.has(type)) return isValid;
    if (taken.has(id)) return false;
    (isValid ? taken : refused).add(id);
    return isValid;
  };
}

function isWhole(block: WireObject): boolean {
  const { type, tool_use_id: callId } = block;
  if (typeof type !== 'string' || !KIND.test(type) || !isWritable(block)) return false;
  if (type.endsWith('_tool_result')) return textOf(callId) !== '';
  return Object.hasOwn(IS_WHOLE, type) ? IS_WHOLE[type]!(block) : true;
}
