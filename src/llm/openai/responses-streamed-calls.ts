import type OpenAI from 'openai';
import type { LlmChunk, ToolCall } from '../../shapes/index.js';
import { toToolCall } from '../tool-call.js';
import { callIdOf } from './responses-response.js';

type CallItem = OpenAI.Responses.ResponseFunctionToolCall;

/** A tool call that is being written. */
interface StreamedCall {
  /** Its place among all items of the answer. */
  readonly outputIndex: number;
  /** Its place among the tool calls, from 0. */
  readonly index: number;
  id: string;
  name: string;
  args: string;
}

/** The tool calls of one streamed response, told as they are written. */
export class StreamedCalls {
  readonly #calls: StreamedCall[] = [];
  #current: StreamedCall | undefined;

  get isEmpty(): boolean {
    return this.#calls.length === 0;
  }

  open(outputIndex: number, item: CallItem, chunks: LlmChunk[]): void {
    this.#introduce(this.#add(outputIndex), item, chunks);
  }

  append(outputIndex: number, argsDelta: string, chunks: LlmChunk[]): void {
    const call = this.#at(outputIndex);
    call.args += argsDelta;
    chunks.push({ type: 'tool-call', index: call.index, argsDelta });
  }

  /** Tells of a call what was left out before it was complete. */
  close(outputIndex: number, item: CallItem, chunks: LlmChunk[]): void {
    const call = this.#at(outputIndex);
    if (!call.name) this.#introduce(call, item, chunks);
    if (!call.args && item.arguments) this.append(outputIndex, item.arguments, chunks);
  }

  toToolCalls(): ToolCall[] {
    return this.#calls.map(({ id, name, args }) => toToolCall(id, name, args));
  }

  #introduce(call: StreamedCall, item: CallItem, chunks: LlmChunk[]): void {
    call.id = callIdOf(item);
    call.name = item.name;
    const { index, id, name } = call;
    chunks.push({ type: 'tool-call', index, id, name, argsDelta: '' });
  }

  /** Mostly the call of the last event; servers that leave out the index write one call after the other. */
  #at(outputIndex: number): StreamedCall {
    if (this.#current?.outputIndex === outputIndex) return this.#current;
    const known = this.#calls.find((call) => call.outputIndex === outputIndex);
    return (this.#current = known ?? this.#add(outputIndex));
  }

  #add(outputIndex: number): StreamedCall {
    const call = { outputIndex, index: this.#calls.length, id: '', name: '', args: '' };
    this.#calls.push(call);
    this.#current = call;
    return call;
  }
}
