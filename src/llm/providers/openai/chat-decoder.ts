import { LlmResponseError, LlmServerError } from '../../../errors/llm-errors.js';
import { UNREPORTED_USAGE, type Usage } from '../../../types/usage.js';
import type { LlmChunk, ProviderResult } from '../../../types/llm.js';
import {
  isFailure,
  isObject,
  listOf,
  objectOf,
  textOf,
  toFinishReason,
  type WireObject,
} from '../shared/wire-values.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import type { AnswerDecoder } from '../shared/decoded-stream.js';
import { errorInBody } from '../shared/map-error.js';
import type { Varying } from '../shared/sse-parser.js';
import { ChatDataCollector, writtenIn } from './chat-data.js';
import { ChatStreamedCalls } from './chat-streamed-calls.js';
import { readOpenAiUsage, usageIn } from './openai-usage.js';

const VARYING: Varying = {
  deltas: [
    ['choices', '0', 'delta', 'content'],
    ['choices', '0', 'delta', 'reasoning_content'],
    ['choices', '0', 'delta', 'reasoning'],
    ['choices', '0', 'delta', 'tool_calls', '0', 'function', 'arguments'],
  ],
  besides: [['obfuscation']],
};

/**
 * Reads a chat completion, https://platform.openai.com/docs/api-reference/chat/object, whole or streamed; a whole
 * answer is a stream of one event. It relies only on what is present, because compatible servers differ in everything
 * that few clients read.
 */
export class ChatDecoder implements AnswerDecoder {
  readonly varying = VARYING;
  #id = '';
  #text = '';
  #hasText = false;
  #isRefused = false;
  #isWhole = false;
  #finishReason = '';
  #failure: Error | undefined;
  #usage: Usage = UNREPORTED_USAGE;
  readonly #calls = new ChatStreamedCalls();
  readonly #data = new ChatDataCollector();

  constructor(
    private readonly provider: string,
    private model: string,
    private readonly context: Pick<LlmProviderContext, 'collect' | 'onModel' | 'onUsage'>,
  ) {}

  push(event: unknown, chunks: LlmChunk[]): void {
    const { id, model, choices, error } = objectOf(event);
    if (id && typeof id === 'string') this.#id = id;
    if (model && typeof model === 'string') this.#answeredBy(model);
    const usage = usageIn(event);
    if (usage !== undefined) {
      this.#usage = readOpenAiUsage(usage, this.#usage);
      this.context.onUsage(this.#usage);
    }
    if (error || choices === undefined) this.#failure ??= errorInBody(this.provider, event);
    const choice = firstOf(choices);
    // The content so far is worth keeping: the failure surfaces when the answer is read.
    if (choice !== undefined) this.#pushChoice(choice, chunks);
    else if (this.#failure !== undefined) throw this.#failure;
  }

  pushWhole(answer: object, chunks: LlmChunk[]): void {
    this.#isWhole = true;
    this.push(answer, chunks);
    if (firstOf((answer as WireObject)['choices']) !== undefined) return;
    throw new LlmResponseError(`${this.provider} sent an answer without a choice.`);
  }

  result(isDone: boolean): ProviderResult {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#finishReason === '' && !this.#isWhole && !(isDone && this.#isClear)) {
      throw new LlmResponseError(
        `The stream of ${this.provider} ended without a finish reason: it is not complete.`,
      );
    }
    const toolCalls = this.#calls.toToolCalls();
    return {
      id: this.#id,
      model: this.model,
      text: this.#text,
      message: this.#data.toMessage(
        this.#text,
        toolCalls,
        this.provider,
        this.#calls.extraContents(toolCalls),
      ),
      toolCalls,
      finishReason: this.#isRefused
        ? 'content-filter'
        : toFinishReason(this.#finishReason, !this.#calls.isEmpty),
      usage: this.#usage,
    };
  }

  /** Whether the content is unambiguous, although the server sends no finish reason. */
  get #isClear(): boolean {
    return (this.#hasText || !this.#calls.isEmpty) && this.#calls.areComplete;
  }

  #answeredBy(model: string): void {
    if (model === this.model) return;
    this.model = model;
    this.context.onModel(model);
  }

  #pushChoice(choice: WireObject, chunks: LlmChunk[]): void {
    const { delta, message, finish_reason: reason, error } = choice;
    const said = isObject(delta) ? delta : message;
    if (isObject(said)) this.#pushSaid(said, chunks);
    // The format of completions that are not chat.
    else this.#pushText(textOf(said) || textOf(choice['text']), chunks);
    if (typeof reason === 'string' && reason !== '') this.#finishReason = reason;
    if (error) this.#failure ??= errorInBody(this.provider, choice);
    if (isFailure(reason)) {
      this.#failure ??= new LlmServerError(
        `${this.provider} failed while it answered: call again later.`,
      );
    }
  }

  #pushSaid(said: WireObject, chunks: LlmChunk[]): void {
    this.#data.add(said, this.context.collect);
    this.#pushReasoning(said, chunks);
    const { content, refusal, tool_calls: calls, function_call: call } = said;
    if (typeof content === 'string') this.#pushText(content, chunks);
    else if (content) this.#pushParts(content, chunks);
    if (refusal && typeof refusal === 'string') this.#pushRefusal(refusal, chunks);
    if (calls) this.#calls.push(listOf(calls), this.#isWhole, chunks);
    // The format before parallel tool calls.
    else if (isObject(call)) this.#calls.push([{ function: call }], this.#isWhole, chunks);
  }

  /** Servers with open models send reasoning under one of two names, or under both; OpenRouter also in its details. */
  #pushReasoning(said: WireObject, chunks: LlmChunk[]): void {
    const { reasoning_content: content, reasoning, reasoning_details: details } = said;
    let text = textOf(content) || textOf(reasoning);
    if (text === '' && details) text = listOf(details).map(thoughtIn).join('');
    if (text !== '') chunks.push({ type: 'reasoning', text });
  }

  #pushParts(content: unknown, chunks: LlmChunk[]): void {
    for (const { type, text } of writtenIn(content)) {
      if (type === 'text') this.#pushText(text, chunks);
      else if (type === 'refusal') this.#pushRefusal(text, chunks);
      else chunks.push({ type, text });
    }
  }

  #pushRefusal(text: string, chunks: LlmChunk[]): void {
    this.#isRefused = true;
    this.#pushText(text, chunks);
  }

  #pushText(text: string, chunks: LlmChunk[]): void {
    if (text === '') return;
    this.#hasText = true;
    if (this.context.collect) this.#text += text;
    chunks.push({ type: 'text', text });
  }
}

/** The first of several choices is the answer; the last event of a stream has none. */
function firstOf(choices: unknown): WireObject | undefined {
  for (const choice of listOf(choices))
    if (isObject(choice) && Number(choice['index'] ?? 0) === 0) return choice;
  return undefined;
}

function thoughtIn(detail: unknown): string {
  const { text, summary } = objectOf(detail);
  return textOf(text) || textOf(summary);
}
