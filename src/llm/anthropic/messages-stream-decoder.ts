import type Anthropic from '@anthropic-ai/sdk';
import { LlmResponseError } from '../../errors/index.js';
import type { LlmChunk, ProviderResult, ToolCall } from '../../shapes/index.js';
import type { LlmProviderContext } from '../llm-provider.js';
import type { StreamDecoder } from '../sdk/decoded-stream.js';
import type { Varying } from '../sdk/repeated-event.js';
import { toToolCall } from '../tool-call.js';
import { StreamedAnthropicUsage } from './anthropic-usage.js';
import { toFinishReason } from './messages-response.js';
import { toMessage } from './provider-data.js';

/** A content block that is being written; fields are those of its kind. */
interface OpenBlock {
  readonly block: Record<string, unknown> & { type: string };
  /** A tool's arguments so far. */
  args: string;
  /** Which tool call of the answer it is, from 0. */
  readonly toolIndex: number;
}

const VARYING: Varying = {
  deltas: [
    ['delta', 'text'],
    ['delta', 'partial_json'],
    ['delta', 'thinking'],
  ],
};

/** Adds up the events of a streamed message. */
export class MessagesStreamDecoder implements StreamDecoder {
  readonly varying = VARYING;
  isComplete = false;
  #id = '';
  #stopReason: string | null | undefined;
  readonly #usage = new StreamedAnthropicUsage();
  #tools = 0;
  readonly #blocks: OpenBlock[] = [];

  constructor(
    private readonly provider: string,
    private model: string,
    private readonly context: Pick<LlmProviderContext, 'collect' | 'onModel' | 'onUsage'>,
  ) {}

  push(event: unknown, chunks: LlmChunk[]): void {
    const message = event as Anthropic.RawMessageStreamEvent;
    switch (message.type) {
      case 'content_block_delta':
        return this.#delta(this.#blocks[message.index]!, message.delta, chunks);
      case 'content_block_start':
        return this.#open(message.index, message.content_block, chunks);
      case 'message_start':
        this.#id = message.message.id;
        this.model = message.message.model || this.model;
        this.context.onModel(this.model);
        return this.#count(message.message.usage, Boolean(message.message.stop_reason));
      case 'message_delta':
        this.#stopReason = message.delta.stop_reason ?? this.#stopReason;
        return this.#count(message.usage, true);
      case 'content_block_stop':
        return this.#close(this.#blocks[message.index], chunks);
      case 'message_stop':
        this.isComplete = true;
        break;
      default:
      // Newer kinds of events are none of ours.
    }
  }

  result(): ProviderResult {
    if (!this.isComplete) {
      throw new LlmResponseError(
        `The stream of ${this.provider} ended without message_stop: it is not complete.`,
      );
    }
    const blocks = Object.values(this.#blocks);
    const text = blocks.map(({ block }) => (block.type === 'text' ? block['text'] : '')).join('');
    const toolCalls: ToolCall[] = [];
    for (const { block, args } of blocks) {
      // Tools that run at the provider have arguments too; they are sent back with their blocks.
      if (!('input' in block)) continue;
      const call = toToolCall(String(block['id']), String(block['name']), args);
      block['input'] = call.args ?? {};
      if (block.type === 'tool_use') toolCalls.push(call);
    }
    return {
      id: this.#id,
      model: this.model,
      text,
      message: toMessage(
        text,
        toolCalls,
        blocks.map(({ block }) => block),
      ),
      toolCalls,
      finishReason: toFinishReason(this.#stopReason),
      usage: this.#usage.known,
    };
  }

  #count(usage: unknown, isLast: boolean): void {
    const soFar = this.#usage.add(usage, isLast);
    if (soFar !== undefined) this.context.onUsage(soFar);
  }

  #open(index: number, content: Anthropic.ContentBlock, chunks: LlmChunk[]): void {
    const isTool = content.type === 'tool_use';
    const open: OpenBlock = {
      block: { ...content },
      args: '',
      toolIndex: isTool ? this.#tools++ : -1,
    };
    this.#blocks[index] = open;
    if (isTool) {
      chunks.push({
        type: 'tool-call',
        index: open.toolIndex,
        id: content.id,
        name: content.name,
        argsDelta: '',
      });
    } else {
      this.#pushOpening(open, content, chunks);
    }
  }

  /** Some compatible servers say with the start of a block what belongs into its first piece. */
  #pushOpening({ block }: OpenBlock, content: Anthropic.ContentBlock, chunks: LlmChunk[]): void {
    if (content.type === 'text' && content.text) {
      if (!this.context.collect) block['text'] = '';
      chunks.push({ type: 'text', text: content.text });
    } else if (content.type === 'thinking' && content.thinking) {
      if (!this.context.collect) block['thinking'] = '';
      chunks.push({ type: 'reasoning', text: content.thinking });
    }
  }

  /** Some compatible servers give a tool's arguments with the start of its block, as a whole. */
  #close(open: OpenBlock | undefined, chunks: LlmChunk[]): void {
    const input = open?.block['input'];
    if (open === undefined || open.args || Object.keys(Object(input) as object).length === 0)
      return;
    this.#delta(open, { type: 'input_json_delta', partial_json: JSON.stringify(input) }, chunks);
  }

  #delta(open: OpenBlock, delta: Anthropic.RawContentBlockDelta, chunks: LlmChunk[]): void {
    const { block } = open;
    switch (delta.type) {
      case 'text_delta':
        if (this.context.collect) append(block, 'text', delta.text);
        if (delta.text) chunks.push({ type: 'text', text: delta.text });
        break;
      case 'input_json_delta':
        open.args += delta.partial_json;
        if (open.toolIndex >= 0) {
          chunks.push({ type: 'tool-call', index: open.toolIndex, argsDelta: delta.partial_json });
        }
        break;
      case 'thinking_delta':
        if (this.context.collect) append(block, 'thinking', delta.thinking);
        if (delta.thinking) chunks.push({ type: 'reasoning', text: delta.thinking });
        break;
      case 'signature_delta':
        block['signature'] = delta.signature;
        break;
      case 'citations_delta':
        block['citations'] = [
          ...((block['citations'] as unknown[] | null | undefined) ?? []),
          delta.citation,
        ];
    }
  }
}

function append(block: Record<string, unknown>, field: string, text: string): void {
  const soFar = block[field];
  block[field] = typeof soFar === 'string' ? soFar + text : text;
}
