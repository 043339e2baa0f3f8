import { CallbacksError, LlmResponseError } from '../../errors/index.js';
import type { LlmChunk, ProviderResult } from '../../shapes/index.js';
import { toLlmError } from './to-llm-error.js';

/** Turns the events of one wire format into chunks, and adds them up. */
export interface StreamDecoder {
  /** Appends the chunks that an event holds to `chunks`. */
  push(event: unknown, chunks: LlmChunk[]): void;
  /** The whole answer; throws `LlmResponseError` when the stream ended without its end marker. */
  result(): ProviderResult;
}

type Item = IteratorResult<LlmChunk | ProviderResult, undefined>;

/** The chunks of an SDK's stream and, last, the result. */
export class DecodedStream implements AsyncIterableIterator<LlmChunk | ProviderResult, undefined> {
  #events: AsyncIterator<unknown> | undefined;
  #isOver = false;
  #chunks: LlmChunk[] = [];
  #taken = 0;

  constructor(
    private readonly provider: string,
    private readonly open: () => Promise<AsyncIterable<unknown>>,
    private readonly decoder: StreamDecoder,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Item> {
    if (this.#taken < this.#chunks.length) return this.#take();
    if (this.#isOver) return { done: true, value: undefined };
    try {
      this.#events ??= (await this.open())[Symbol.asyncIterator]();
      this.#chunks.length = this.#taken = 0;
      while (this.#chunks.length === 0) {
        const event: IteratorResult<unknown> = await this.#events.next();
        if (event.done) {
          this.#isOver = true;
          return { done: false, value: this.decoder.result() };
        }
        this.#decode(event.value);
      }
      return this.#take();
    } catch (error) {
      this.#isOver = true;
      throw toLlmError(this.provider, error, this.#events !== undefined);
    }
  }

  async return(): Promise<Item> {
    this.#isOver = true;
    await this.#events?.return?.();
    return { done: true, value: undefined };
  }

  #take(): Item {
    return { done: false, value: this.#chunks[this.#taken++]! };
  }

  #decode(event: unknown): void {
    try {
      this.decoder.push(event, this.#chunks);
    } catch (error) {
      if (error instanceof CallbacksError) throw error;
      throw new LlmResponseError(`${this.provider} sent a stream event of an unknown form.`, {
        cause: error,
      });
    }
  }
}
