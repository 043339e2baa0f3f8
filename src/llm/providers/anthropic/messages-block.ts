import type { LlmChunk } from '../../../types/llm.js';
import {
  isObject,
  jsonTextOf,
  parsedJson,
  textOf,
  type WireObject,
} from '../shared/wire-values.js';
import type { WrittenCall } from '../shared/tool-call.js';

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
