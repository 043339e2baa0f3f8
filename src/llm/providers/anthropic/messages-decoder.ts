import { LlmResponseError } from '../../../errors/llm-errors.js';
import type { LlmChunk, ProviderResult } from '../../../types/llm.js';
import {
  isObject,
  listOf,
  objectOf,
  textOf,
  toFinishReason,
  toToolCalls,
  type WireObject,
} from '../shared/wire-values.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import type { AnswerDecoder } from '../shared/decoded-stream.js';
import { errorInBody } from '../shared/map-error.js';
import type { Varying } from '../shared/sse-parser.js';
import { StreamedAnthropicUsage } from './anthropic-usage.js';
import { AnthropicBlock, toMessage } from './messages-block.js';

const VARYING: Varying = {
  deltas: [
    ['delta', 'text'],
    ['delta', 'partial_json'],
    ['delta', 'thinking'],
  ],
};

/**
 * Reads a message, https://docs.anthropic.com/en/api/messages, whole or streamed. A whole answer is read as a stream
 * whose first event holds all of it, as the streams of programmatic tool calls do.
 */
export class MessagesDecoder implements AnswerDecoder {
  readonly varying = VARYING;
  isComplete = false;
  #id = '';
  #isStarted = false;
  #stopReason = '';
  #text = '';
  readonly #usage = new StreamedAnthropicUsage();
  #container: WireObject | undefined;
  #tools = 0;
  /** In the order in which they began. */
  readonly #blocks: AnthropicBlock[] = [];
  /** The block that deltas of an index belong to; some proxies give several blocks the same index. */
  readonly #open = new Map<unknown, AnthropicBlock>();

  constructor(
    private readonly provider: string,
    private model: string,
    private readonly context: Pick<LlmProviderContext, 'collect' | 'onModel' | 'onUsage'>,
  ) {}

  push(event: unknown, chunks: LlmChunk[]): void {
    const before = chunks.length;
    this.#read(event, chunks);
    this.#keepText(chunks, before);
  }

  #read(event: unknown, chunks: LlmChunk[]): void {
    const sent = objectOf(event);
    switch (sent['type']) {
      case 'content_block_delta':
        return this.#delta(sent['index'], objectOf(sent['delta']), chunks);
      case 'content_block_start':
        return this.#begin(sent['index'], sent['content_block'], chunks);
      case 'content_block_stop':
        return this.#open.get(sent['index'])?.close(chunks);
      case 'message_start':
        return this.#start(sent['message'], chunks);
      case 'message_delta':
        this.#note(objectOf(sent['delta']));
        return this.#count(sent['usage'], true);
      case 'message_stop':
        for (const block of this.#open.values()) block.close(chunks);
        this.isComplete = true;
        break;
      default:
        this.#checkFailure(event, sent);
    }
  }

  pushWhole(answer: object, chunks: LlmChunk[]): void {
    const { content, error } = answer as WireObject;
    const hasContent = Array.isArray(content) || typeof content === 'string';
    const failure = error || !hasContent ? errorInBody(this.provider, answer) : undefined;
    if (failure !== undefined) throw failure;
    if (!hasContent) {
      throw new LlmResponseError(`${this.provider} sent an answer without content.`);
    }
    const before = chunks.length;
    this.#start(answer, chunks);
    this.#keepText(chunks, before);
    this.isComplete = true;
  }

  result(): ProviderResult {
    if (!this.isComplete) {
      throw new LlmResponseError(
        `The stream of ${this.provider} ended without message_stop: it is not complete.`,
      );
    }
    const finishReason = toFinishReason(this.#stopReason, this.#tools > 0);
    const blocks = this.#blocks;
    const tools = blocks.filter(({ toolIndex }) => toolIndex >= 0);
    const toolCalls = toToolCalls(tools.map((block) => block.call));
    const text = this.#text;
    return {
      id: this.#id,
      model: this.model,
      text,
      message: toMessage(text, toolCalls, {
        provider: this.provider,
        content: blocks.flatMap(({ whole }) => whole),
        container: this.#container,
      }),
      toolCalls,
      finishReason,
      usage: this.#usage.known,
    };
  }

  /** The text is what the chunks contain, in their order; pieces of several blocks may be mixed. */
  #keepText(chunks: readonly LlmChunk[], from: number): void {
    if (!this.context.collect) return;
    for (let i = from; i < chunks.length; i++) {
      const chunk = chunks[i]!;
      if (chunk.type === 'text') this.#text += chunk.text;
    }
  }

  #start(given: unknown, chunks: LlmChunk[]): void {
    if (this.#isStarted) {
      throw new LlmResponseError(
        `${this.provider} began a second message in the same stream: what belongs to which is not certain.`,
      );
    }
    this.#isStarted = true;
    const message = objectOf(given);
    const { id, model, content } = message;
    this.#id = textOf(id);
    this.model = textOf(model) || this.model;
    this.context.onModel(this.model);
    const blocks = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    for (const [index, block] of listOf(blocks).entries()) {
      this.#begin(index, block, chunks);
      this.#open.get(index)?.close(chunks);
    }
    this.#note(message);
    this.#count(message['usage'], this.#stopReason !== '');
  }

  #note({ stop_reason: reason, container }: WireObject): void {
    if (typeof reason === 'string' && reason !== '') this.#stopReason = reason;
    if (isObject(container)) this.#container = container;
  }

  #count(usage: unknown, isLast: boolean): void {
    const soFar = this.#usage.add(usage, isLast);
    if (soFar !== undefined) this.context.onUsage(soFar);
  }

  #begin(index: unknown, content: unknown, chunks: LlmChunk[]): void {
    if (!isObject(content)) return;
    // Its own end is missing, or another block has its index.
    this.#open.get(index)?.close(chunks);
    const toolIndex = content['type'] === 'tool_use' ? this.#tools++ : -1;
    const block = new AnthropicBlock(content, toolIndex, this.context.collect);
    this.#blocks.push(block);
    this.#open.set(index, block);
    block.begin(chunks);
  }

  #delta(index: unknown, delta: WireObject, chunks: LlmChunk[]): void {
    const open = this.#open.get(index);
    if (open?.takes(delta['type'])) return open.append(delta, chunks);
    // The start of a text block adds nothing to its pieces.
    if (delta['type'] === 'text_delta') this.#begin(index, { type: 'text', text: '' }, chunks);
    else if (delta['type'] === 'thinking_delta')
      this.#begin(index, { type: 'thinking', thinking: '' }, chunks);
    else if (delta['type'] === 'input_json_delta') {
      throw new LlmResponseError(
        `${this.provider} sent arguments of a tool call that has not begun.`,
      );
    }
    this.#open.get(index)?.append(delta, chunks);
  }

  /** Unknown newer kinds of events are ignored, but an error may have any form. */
  #checkFailure(event: unknown, { type }: WireObject): void {
    const failure = type === 'ping' ? undefined : errorInBody(this.provider, event);
    if (failure !== undefined) throw failure;
  }
}
