import type OpenAI from 'openai';
import { LlmResponseError } from '../../errors/index.js';
import {
  UNREPORTED_USAGE,
  type LlmChunk,
  type ProviderResult,
  type Usage,
} from '../../shapes/index.js';
import type { LlmProviderContext } from '../llm-provider.js';
import type { StreamDecoder } from '../sdk/decoded-stream.js';
import type { Varying } from '../sdk/repeated-event.js';
import { toToolCall } from '../tool-call.js';
import { assistantMessage, toFinishReason } from './chat-response.js';
import { readOpenAiUsage, usageIn } from './openai-usage.js';

type Delta = OpenAI.ChatCompletionChunk.Choice.Delta & {
  /** How servers with open models send what a model thinks: vLLM and DeepSeek, OpenRouter. */
  reasoning_content?: string | null;
  reasoning?: string | null;
};

const VARYING: Varying = {
  deltas: [
    ['choices', '0', 'delta', 'content'],
    ['choices', '0', 'delta', 'reasoning_content'],
    ['choices', '0', 'delta', 'reasoning'],
    ['choices', '0', 'delta', 'tool_calls', '0', 'function', 'arguments'],
  ],
  besides: [['obfuscation']],
};

/** Adds up the chunks of a streamed chat completion. */
export class ChatStreamDecoder implements StreamDecoder {
  readonly varying = VARYING;
  #id = '';
  #text = '';
  #finishReason: string | undefined;
  #usage: Usage = UNREPORTED_USAGE;
  readonly #calls: { id: string; name: string; args: string }[] = [];

  constructor(
    private readonly provider: string,
    private model: string,
    private readonly context: Pick<LlmProviderContext, 'collect' | 'onModel' | 'onUsage'>,
  ) {}

  push(event: unknown, chunks: LlmChunk[]): void {
    const { id, model, choices } = event as OpenAI.ChatCompletionChunk;
    if (id) this.#id = id;
    if (model && model !== this.model) {
      this.model = model;
      this.context.onModel(model);
    }
    const usage = usageIn(event);
    if (usage !== undefined) {
      this.#usage = readOpenAiUsage(usage, this.#usage);
      this.context.onUsage(this.#usage);
    }
    // The last chunk may hold the usage alone; and only the first of several choices is heard.
    const choice = choices?.find(({ index }) => (index ?? 0) === 0);
    if (choice === undefined) return;
    if (choice.finish_reason) this.#finishReason = choice.finish_reason;
    if (choice.delta) this.#pushDelta(choice.delta, chunks);
  }

  result(): ProviderResult {
    if (this.#finishReason === undefined) {
      throw new LlmResponseError(
        `The stream of ${this.provider} ended without a finish reason: it is not complete.`,
      );
    }
    const toolCalls = Object.values(this.#calls).map(({ id, name, args }) =>
      toToolCall(id, name, args),
    );
    return {
      id: this.#id,
      model: this.model,
      text: this.#text,
      message: assistantMessage(this.#text, toolCalls),
      toolCalls,
      finishReason: toFinishReason(this.#finishReason),
      usage: this.#usage,
    };
  }

  #pushDelta(delta: Delta, chunks: LlmChunk[]): void {
    const reasoning = delta.reasoning_content ?? delta.reasoning;
    if (reasoning) chunks.push({ type: 'reasoning', text: reasoning });
    const text = delta.content || delta.refusal;
    if (text) {
      if (this.context.collect) this.#text += text;
      chunks.push({ type: 'text', text });
    }
    if (delta.tool_calls) for (const call of delta.tool_calls) this.#pushToolCall(call, chunks);
  }

  #pushToolCall(delta: OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall, chunks: LlmChunk[]): void {
    const { id } = delta;
    // Some servers leave it out.
    const index = (delta.index as number | undefined) ?? 0;
    const { name, arguments: argsDelta = '' } = delta.function ?? {};
    const call = (this.#calls[index] ??= { id: '', name: '', args: '' });
    if (id) call.id = id;
    // Said once, or again with each piece.
    if (name) call.name = name;
    call.args += argsDelta;
    chunks.push({ type: 'tool-call', index, ...(id && { id }), ...(name && { name }), argsDelta });
  }
}
