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
import { toldError } from '../sdk/told-error.js';
import { toLlmError } from '../sdk/to-llm-error.js';
import { readOpenAiUsage } from './openai-usage.js';
import { toMessage } from './responses-data.js';
import {
  failureOf,
  isStored,
  textOf,
  toFinishReason,
  type LenientResponse,
} from './responses-response.js';
import { StreamedCalls } from './responses-streamed-calls.js';

type OutputItem = OpenAI.Responses.ResponseOutputItem;

const VARYING: Varying = { deltas: [['delta']], besides: [['sequence_number'], ['obfuscation']] };

/** Adds up the events of a streamed response. */
export class ResponsesStreamDecoder implements StreamDecoder {
  readonly varying = VARYING;
  #id = '';
  #text = '';
  #usage: Usage = UNREPORTED_USAGE;
  /** What the last event says of the whole answer. */
  #end: LenientResponse | undefined;
  /** The items that are complete. */
  #output: OutputItem[] = [];
  readonly #calls = new StreamedCalls();
  /** Whether some of the message that is being written was told. */
  #isTelling = false;

  constructor(
    private readonly provider: string,
    private model: string,
    private readonly context: Pick<LlmProviderContext, 'collect' | 'onModel' | 'onUsage'>,
  ) {}

  get isComplete(): boolean {
    return this.#end !== undefined;
  }

  push(event: unknown, chunks: LlmChunk[]): void {
    const sent = event as OpenAI.Responses.ResponseStreamEvent;
    switch (sent.type) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return this.#pushText(sent.delta, chunks);
      case 'response.function_call_arguments.delta':
        return this.#calls.append(sent.output_index, sent.delta, chunks);
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        if (sent.delta) chunks.push({ type: 'reasoning', text: sent.delta });
        return undefined;
      case 'response.output_item.added':
        if (sent.item.type === 'function_call')
          this.#calls.open(sent.output_index, sent.item, chunks);
        return undefined;
      case 'response.output_item.done':
        return this.#pushItem(sent.item, sent.output_index, chunks);
      case 'response.created':
      case 'response.in_progress':
        return this.#note(sent.response);
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        return this.#finish(sent.response, sent.type, chunks);
      case 'error':
        throw toLlmError(this.provider, toldError(sent));
      default:
      // The ends of parts say nothing new, and newer kinds of events are none of ours.
    }
  }

  result(): ProviderResult {
    if (this.#end === undefined) {
      throw new LlmResponseError(
        `The stream of ${this.provider} ended without response.completed: it is not complete.`,
      );
    }
    const toolCalls = this.#calls.toToolCalls();
    return {
      id: this.#id,
      model: this.model,
      text: this.#text,
      message: toMessage(this.#text, toolCalls, {
        provider: this.provider,
        output: this.#kept(),
        isStored: isStored(this.#end),
      }),
      toolCalls,
      finishReason: toFinishReason(this.#end, toolCalls.length > 0),
      usage: this.#usage,
    };
  }

  #pushText(text: string, chunks: LlmChunk[]): void {
    if (!text) return;
    this.#isTelling = true;
    if (this.context.collect) this.#text += text;
    chunks.push({ type: 'text', text });
  }

  /** An item as a whole; what was not told of it piece by piece is told now. */
  #pushItem(item: OutputItem, index: number, chunks: LlmChunk[]): void {
    this.#output.push(item);
    if (item.type === 'function_call') this.#calls.close(index, item, chunks);
    if (item.type !== 'message') return;
    if (!this.#isTelling) this.#pushText(textOf(item), chunks);
    this.#isTelling = false;
  }

  #note({ id, model, usage }: LenientResponse): void {
    if (id) this.#id = id;
    if (model && model !== this.model) {
      this.model = model;
      this.context.onModel(model);
    }
    if (!usage) return;
    this.#usage = readOpenAiUsage(usage, this.#usage);
    this.context.onUsage(this.#usage);
  }

  #finish(response: LenientResponse, type: `response.${string}`, chunks: LlmChunk[]): void {
    this.#note(response);
    const status = type.slice('response.'.length) as OpenAI.Responses.ResponseStatus;
    const end: LenientResponse = { ...response, status };
    const failure = failureOf(end, this.provider);
    if (failure !== undefined) throw failure;
    this.#end = end;
    const output = response.output ?? [];
    if (this.#output.length === 0) this.#pushUntold(output, chunks);
    // Some servers do not repeat at the end what they have streamed.
    if (output.length > 0) this.#output = output;
  }

  /** For servers that stream no ends of items: texts, calls, or both, may be new at the end. */
  #pushUntold(output: readonly OutputItem[], chunks: LlmChunk[]): void {
    const hasText = this.#isTelling;
    const hasCalls = !this.#calls.isEmpty;
    for (const [index, item] of output.entries()) {
      const isTold = item.type === 'message' ? hasText : hasCalls;
      if (!isTold) this.#pushItem(item, index, chunks);
    }
  }

  #kept(): OutputItem[] {
    return this.context.collect
      ? this.#output
      : this.#output.filter(({ type }) => type !== 'message');
  }
}
