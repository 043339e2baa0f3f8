import { LlmResponseError } from '../../../errors/llm-errors.js';
import { UNREPORTED_USAGE, type Usage } from '../../../types/usage.js';
import type { LlmChunk, ProviderResult } from '../../../types/llm.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import type { AnswerDecoder } from '../shared/decoded-stream.js';
import { errorInBody } from '../shared/map-error.js';
import type { Varying } from '../shared/sse-parser.js';
import { isObject, listOf, objectOf, textOf, type WireObject } from '../shared/wire-values.js';
import { readOpenAiUsage } from './openai-usage.js';
import {
  failureOf,
  finishReasonOf,
  isWaiting,
  saidIn,
  storesAnswer,
  thoughtIn,
  toMessage,
} from './responses-data.js';
import { ResponsesStreamedCalls } from './responses-streamed-calls.js';

const VARYING: Varying = { deltas: [['delta']], besides: [['sequence_number'], ['obfuscation']] };

/**
 * Reads a response, https://platform.openai.com/docs/api-reference/responses/object, whole or streamed; a whole answer
 * is a stream of its last event.
 */
export class ResponsesDecoder implements AnswerDecoder {
  readonly varying = VARYING;
  #id = '';
  #text = '';
  #isRefused = false;
  #usage: Usage = UNREPORTED_USAGE;
  /** The whole answer in the last event. */
  #end: WireObject | undefined;
  /** The items that are complete. */
  #output: WireObject[] = [];
  readonly #calls = new ResponsesStreamedCalls();
  /** Whether chunks hold part of the message that is being written. */
  #isWriting = false;
  #hasReasoning = false;

  constructor(
    private readonly provider: string,
    private model: string,
    private readonly context: Pick<LlmProviderContext, 'collect' | 'onModel' | 'onUsage'>,
  ) {}

  get isComplete(): boolean {
    return this.#end !== undefined;
  }

  push(event: unknown, chunks: LlmChunk[]): void {
    const sent = objectOf(event);
    switch (sent['type']) {
      case 'response.output_text.delta':
        return this.#pushText(textOf(sent['delta']), chunks);
      case 'response.refusal.delta':
        this.#isRefused = true;
        return this.#pushText(textOf(sent['delta']), chunks);
      case 'response.function_call_arguments.delta':
        return this.#calls.append(sent, chunks);
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return this.#pushReasoning(textOf(sent['delta']), chunks);
      case 'response.output_item.added':
        if (objectOf(sent['item'])['type'] === 'function_call') this.#calls.open(sent, chunks);
        return undefined;
      case 'response.output_item.done':
        return this.#pushItem(sent, chunks);
      case 'response.created':
      case 'response.in_progress':
        return this.#note(objectOf(sent['response']));
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return this.#finish(sent, chunks);
      default:
        return this.#checkFailure(event, sent);
    }
  }

  pushWhole(answer: object, chunks: LlmChunk[]): void {
    const response = objectOf(answer);
    const failure = failureOf(response, this.provider);
    if (failure !== undefined) throw failure;
    const { output, output_text: ready } = response;
    if (!Array.isArray(output) && typeof ready !== 'string') {
      throw (
        errorInBody(this.provider, answer) ??
        new LlmResponseError(`${this.provider} sent an answer without an output.`)
      );
    }
    this.#end = response;
    this.#note(response);
    this.#pushOutput(listOf(output).filter(isObject), chunks);
    if (this.#output.length === 0) this.#pushText(textOf(ready), chunks);
  }

  result(): ProviderResult {
    if (this.#end === undefined) {
      throw new LlmResponseError(
        `The stream of ${this.provider} ended without response.completed: it is not complete.`,
      );
    }
    const toolCalls = this.#calls.toToolCalls();
    const waits = toolCalls.length > 0 || this.#output.some(isWaiting);
    return {
      id: this.#id,
      model: this.model,
      text: this.#text,
      message: toMessage(this.#text, toolCalls, {
        provider: this.provider,
        output: this.#kept(),
        isStored: storesAnswer(this.#end),
      }),
      toolCalls,
      finishReason: this.#isRefused ? 'content-filter' : finishReasonOf(this.#end, waits),
      usage: this.#usage,
    };
  }

  /** The ends of parts add nothing, and newer kinds of events are ignored; but an error may have any form. */
  #checkFailure(event: unknown, { type }: WireObject): void {
    const isKnown = typeof type === 'string' && type.startsWith('response.');
    const failure = isKnown ? undefined : errorInBody(this.provider, event);
    if (failure !== undefined) throw failure;
  }

  #pushText(text: string, chunks: LlmChunk[]): void {
    if (text === '') return;
    this.#isWriting = true;
    if (this.context.collect) this.#text += text;
    chunks.push({ type: 'text', text });
  }

  #pushReasoning(text: string, chunks: LlmChunk[]): void {
    if (text === '') return;
    this.#hasReasoning = true;
    chunks.push({ type: 'reasoning', text });
  }

  /** A complete item; what chunks do not yet hold of it is pushed now. */
  #pushItem(sent: WireObject, chunks: LlmChunk[]): void {
    const { item } = sent;
    if (!isObject(item)) return;
    this.#output.push(item);
    if (item['type'] === 'function_call') this.#calls.close(sent, chunks);
    if (item['type'] === 'reasoning' && !this.#hasReasoning)
      this.#pushReasoning(thoughtIn(item), chunks);
    if (item['type'] !== 'message') return;
    const { text, isRefusal } = saidIn(item);
    if (isRefusal) this.#isRefused = true;
    if (!this.#isWriting) this.#pushText(text, chunks);
    this.#isWriting = false;
  }

  #note({ id, model, usage }: WireObject): void {
    if (id && typeof id === 'string') this.#id = id;
    if (model && typeof model === 'string' && model !== this.model) {
      this.model = model;
      this.context.onModel(model);
    }
    if (!usage) return;
    this.#usage = readOpenAiUsage(usage, this.#usage);
    this.context.onUsage(this.#usage);
  }

  #finish({ type, response: given }: WireObject, chunks: LlmChunk[]): void {
    const response = objectOf(given);
    this.#note(response);
    const status = String(type).slice('response.'.length);
    const end = { ...response, status };
    const failure = failureOf(end, this.provider);
    if (failure !== undefined) throw failure;
    this.#end = end;
    this.#pushOutput(listOf(response['output']).filter(isObject), chunks);
  }

  /** For servers that do not stream the ends of items: texts, calls, or both, may be new at the end. */
  #pushOutput(output: readonly WireObject[], chunks: LlmChunk[]): void {
    const isStreamed = this.#output.length > 0;
    const hasText = this.#isWriting || isStreamed;
    for (const [index, item] of output.entries()) {
      const event = { output_index: index, item };
      if (item['type'] === 'function_call') this.#calls.complete(event, chunks);
      else if (item['type'] === 'message' ? !hasText : !isStreamed) this.#pushItem(event, chunks);
      if (saidIn(item).isRefusal) this.#isRefused = true;
    }
    this.#calls.flush(chunks);
    // Some servers do not repeat the streamed items at the end.
    if (output.length > 0) this.#output = [...output];
  }

  #kept(): WireObject[] {
    return this.context.collect
      ? this.#output
      : this.#output.filter(({ type }) => type !== 'message');
  }
}
