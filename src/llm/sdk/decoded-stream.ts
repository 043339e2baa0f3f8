import { CallbacksError, LlmResponseError } from '../../errors/index.js';
import type { LlmChunk, ProviderResult } from '../../shapes/index.js';
import type { Varying } from './repeated-event.js';
import { toLlmError } from './to-llm-error.js';
import type { WireReader } from './wire-reader.js';

/** Turns the events of one wire format into chunks, and adds them up. */
export interface StreamDecoder {
  /** Whether an event said that the answer is complete; absent where the reader knows the end marker. */
  readonly isComplete?: boolean;
  /** Where its deltas are. */
  readonly varying: Varying;
  /** Appends the chunks that an event holds to `chunks`; the event may be another one afterwards. */
  push(event: unknown, chunks: LlmChunk[]): void;
  /** The whole answer; throws `LlmResponseError` when the stream ended without its end marker. */
  result(): ProviderResult;
}

type Item = IteratorResult<LlmChunk | ProviderResult, undefined>;

/** The chunks of an SDK's stream and, last, the result. */
export class DecodedStream implements AsyncIterableIterator<LlmChunk | ProviderResult, undefined> {
  #reader: WireReader | undefined;
  #hasEnded = false;
  #isOver = false;
  #chunks: LlmChunk[] = [];
  #taken = 0;

  constructor(
    private readonly provider: string,
    private readonly open: () => Promise<WireReader>,
    private readonly decoder: StreamDecoder,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next item that has arrived, without waiting. */
  take(): LlmChunk | ProviderResult | undefined {
    try {
      return this.#take();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async next(): Promise<Item> {
    try {
      for (;;) {
        const value = this.#take();
        if (value !== undefined) return { done: false, value };
        if (this.#isOver) return { done: true, value: undefined };
        this.#reader ??= await this.open();
        this.#hasEnded = !(await this.#reader.read());
      }
    } catch (error) {
      throw this.#failure(error);
    }
  }

  async return(): Promise<Item> {
    this.#isOver = true;
    await this.#reader?.close();
    return { done: true, value: undefined };
  }

  #take(): LlmChunk | ProviderResult | undefined {
    while (!this.#isOver) {
      if (this.#taken < this.#chunks.length) return this.#chunks[this.#taken++];
      const event = this.#hasEnded ? undefined : this.#reader?.take();
      if (event === undefined) break;
      this.#chunks.length = this.#taken = 0;
      this.#decode(event);
      if (this.decoder.isComplete) this.#leave();
    }
    if (!this.#hasEnded || this.#isOver) return undefined;
    this.#isOver = true;
    return this.decoder.result();
  }

  /** Some servers keep the connection open, or lose it, behind a complete answer. */
  #leave(): void {
    this.#hasEnded = true;
    void this.#reader?.leave();
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

  #failure(error: unknown): CallbacksError {
    this.#isOver = true;
    return toLlmError(this.provider, error, this.#reader !== undefined);
  }
}
