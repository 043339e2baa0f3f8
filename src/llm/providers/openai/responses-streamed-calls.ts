import type { LlmChunk } from '../../../types/llm.js';
import type { ToolCall } from '../../../types/message.js';
import {
  jsonTextOf,
  objectOf,
  textOf,
  toToolCalls,
  type WireObject,
} from '../shared/wire-values.js';
import { callIdOf } from './responses-data.js';

/** A tool call that is being written. */
interface StreamedCall {
  /** Its position among all items of the answer, as the server counts them. */
  readonly outputIndex: unknown;
  /** The id of its item. */
  readonly itemId: string;
  /** Its position among the tool calls, from 0. */
  readonly index: number;
  id: string;
  name: string;
  args: string;
  /** Arguments that came with its start; OpenAI's are empty. */
  announced: string;
  isClosed: boolean;
}

/** The tool calls of one streamed response, as they are written. */
export class ResponsesStreamedCalls {
  readonly #calls: StreamedCall[] = [];
  #current: StreamedCall | undefined;

  get isEmpty(): boolean {
    return this.#calls.length === 0;
  }

  /** Begins a call, from the event that adds its item. */
  open(event: WireObject, chunks: LlmChunk[]): void {
    const item = objectOf(event['item']);
    const call = this.#add(event, textOf(item['id']));
    this.#introduce(call, item, chunks);
    call.announced = jsonTextOf(item['arguments']);
  }

  append(event: WireObject, chunks: LlmChunk[]): void {
    const call = this.#ofEvent(event, textOf(event['item_id']));
    this.#write(call, jsonTextOf(event['delta']), chunks);
  }

  /** Ends a call with its complete item; pushes what is still missing. */
  close(event: WireObject, chunks: LlmChunk[]): void {
    const item = objectOf(event['item']);
    const found = this.#ofEvent(event, textOf(item['id']));
    const isOther = found.isClosed || (found.id !== '' && found.id !== callIdOf(item));
    const call = isOther ? this.#add(event, textOf(item['id'])) : found;
    if (call.name === '') this.#introduce(call, item, chunks);
    if (call.args === '') this.#write(call, jsonTextOf(item['arguments']), chunks);
    call.isClosed = true;
  }

  /** Pushes what only the end of the stream has of a call: some servers do not stream the ends of items. */
  complete(event: WireObject, chunks: LlmChunk[]): void {
    const item = objectOf(event['item']);
    const id = callIdOf(item);
    const call = this.#calls.find((known) => id !== '' && known.id === id);
    if (call === undefined && (id !== '' || this.isEmpty)) this.close(event, chunks);
    else if (call?.args === '') this.#write(call, jsonTextOf(item['arguments']), chunks);
  }

  /** Pushes the arguments that came with the start of a call, if no others came. */
  flush(chunks: LlmChunk[]): void {
    for (const call of this.#calls) if (call.args === '') this.#write(call, call.announced, chunks);
  }

  toToolCalls(): ToolCall[] {
    return toToolCalls(this.#calls);
  }

  #introduce(call: StreamedCall, item: WireObject, chunks: LlmChunk[]): void {
    call.id = callIdOf(item);
    call.name = textOf(item['name']);
    const { index, id, name } = call;
    chunks.push({
      type: 'tool-call',
      index,
      ...(id && { id }),
      ...(name && { name }),
      argsDelta: '',
    });
  }

  #write(call: StreamedCall, argsDelta: string, chunks: LlmChunk[]): void {
    if (argsDelta === '') return;
    call.args += argsDelta;
    chunks.push({ type: 'tool-call', index: call.index, argsDelta });
  }

  /** Usually the current call; otherwise by item id, or by position, which some servers leave out or repeat. */
  #ofEvent(event: WireObject, itemId: string): StreamedCall {
    const { output_index: outputIndex } = event;
    const current = this.#current;
    if (current !== undefined && isOf(current, outputIndex, itemId)) return current;
    const known =
      this.#calls.findLast((call) => itemId !== '' && call.itemId === itemId) ??
      this.#calls.findLast((call) => isOf(call, outputIndex, itemId));
    return (this.#current = known ?? this.#add(event, itemId));
  }

  #add({ output_index: outputIndex }: WireObject, itemId: string): StreamedCall {
    const call: StreamedCall = {
      outputIndex,
      itemId,
      index: this.#calls.length,
      id: '',
      name: '',
      args: '',
      announced: '',
      isClosed: false,
    };
    this.#calls.push(call);
    this.#current = call;
    return call;
  }
}

/** Whether a call has that position, and is not known to be another item. */
function isOf(call: StreamedCall, outputIndex: unknown, itemId: string): boolean {
  if (call.outputIndex !== outputIndex) return false;
  return itemId === '' || call.itemId === '' || call.itemId === itemId;
}
