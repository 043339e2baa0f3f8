import { brand } from '../util/brand.js';
import { OnLlmEnd, OnLlmError, OnLlmStart, OnLlmStreamChunk } from '../handlers/hooks.js';
import type { LlmEndEvent, LlmErrorEvent } from '../events/llm-terminal.events.js';
import type { LlmStartEvent, LlmStreamChunkEvent } from '../events/llm.events.js';

export interface StreamingProgressOptions {
  /** Called with each piece of text. */
  onChunk: (text: string) => unknown;
  /** Called when a stream has ended, read completely or not; not when it fails. */
  onComplete?: () => unknown;
}

/**
 * Passes on the text of streamed answers as it arrives.
 *
 * @example
 * ```ts
 * const progress = new StreamingProgress({ onChunk: (text) => process.stdout.write(text) });
 * await llm.stream('Tell me a story', { callbacks: [progress] }).response;
 * ```
 */
export class StreamingProgress {
  static {
    brand(this, 'class:StreamingProgress');
  }

  readonly #streams = new Set<string>();

  constructor(private readonly options: StreamingProgressOptions) {}

  @OnLlmStart({ when: (event) => event.streaming })
  protected begin(event: LlmStartEvent): void {
    this.#streams.add(event.runId);
  }

  @OnLlmStreamChunk({ when: ({ chunk }) => chunk.type === 'text' })
  protected pass({ chunk }: LlmStreamChunkEvent): unknown {
    return chunk.type === 'text' ? this.options.onChunk(chunk.text) : undefined;
  }

  @OnLlmEnd()
  protected complete(event: LlmEndEvent): unknown {
    return this.#streams.delete(event.runId) ? this.options.onComplete?.() : undefined;
  }

  @OnLlmError()
  protected fail(event: LlmErrorEvent): void {
    this.#streams.delete(event.runId);
  }
}
