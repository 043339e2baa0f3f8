import { CallbacksError } from '../../../errors/callbacks-error.js';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import type { LlmChunk, ProviderResult } from '../../../types/llm.js';
import type { Varying } from './sse-parser.js';
import { toLlmError } from './map-error.js';
import { WholeAnswer, type WireReader } from './wire-values.js';

/** Decodes the answers of one wire format, whole or streamed: converts them to chunks and accumulates the result. */
export interface AnswerDecoder {
  /** Whether an event marked the answer as complete; absent if the reader detects the end marker. */
  readonly isComplete?: boolean;
  /** Where its deltas are. */
  readonly varying: Varying;
  /**
   * Appends the chunks of an event to `chunks`; the event object may be reused afterwards. Chunks appended before it
   * throws still belong to the answer.
   */
  push(event: unknown, chunks: LlmChunk[]): void;
  /** The same for an answer that arrived whole. */
  pushWhole(answer: object, chunks: LlmChunk[]): void;
  /**
   * The complete answer; throws `LlmResponseError` if the stream ended before it was complete.
   *
   * @param isDone whether the server marked the end of the stream
   */
  result(isDone: boolean): ProviderResult;
}

type Item = IteratorResult<LlmChunk | ProviderResult, undefined>;

/** The chunks of an SDK's stream and, last, the result. */
export class DecodedStream implements AsyncIterableIterator<LlmChunk | ProviderResult, undefined> {
  #reader: WireReader | undefined;
  #hasEnded = false;
  #isOver = false;
  #chunks: LlmChunk[] = [];
  #taken = 0;
  /** The error that ends the stream after the earlier chunks are taken. */
  #thrown: { readonly error: unknown } | undefined;

  constructor(
    private readonly provider: string,
    private readonly open: () => Promise<WireReader>,
    private readonly decoder: AnswerDecoder,
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
      if (this.#thrown !== undefined) throw this.#thrown.error;
      const event = this.#hasEnded ? undefined : this.#reader?.take();
      if (event === undefined) break;
      this.#chunks.length = this.#taken = 0;
      this.#decode(event);
      if (this.decoder.isComplete) this.#leave();
    }
    if (!this.#hasEnded || this.#isOver) return undefined;
    this.#isOver = true;
    return this.decoder.result(this.#reader?.isDone === true);
  }

  /** Some servers keep the connection open, or lose it, after a complete answer. */
  #leave(): void {
    this.#hasEnded = true;
    void this.#reader?.leave();
  }

  #decode(event: unknown): void {
    try {
      if (event instanceof WholeAnswer) this.decoder.pushWhole(event.answer, this.#chunks);
      else this.decoder.push(event, this.#chunks);
    } catch (error) {
      this.#thrown = { error: toDecodeError(this.provider, error, 'a stream event') };
    }
  }

  #failure(error: unknown): CallbacksError {
    this.#isOver = true;
    return toLlmError(this.provider, error, this.#reader !== undefined);
  }
}

/** The result of an answer that arrived whole. */
export function decodeWhole(
  provider: string,
  decoder: AnswerDecoder,
  answer: object,
): ProviderResult {
  try {
    decoder.pushWhole(answer, []);
    const result = decoder.result(true);
    result.raw = answer;
    return result;
  } catch (error) {
    throw toDecodeError(provider, error, 'an answer');
  }
}

/**
 * An error of a decoder: errors of this package as they are; any other means that the provider sent an unexpected form.
 */
function toDecodeError(provider: string, error: unknown, what: string): CallbacksError {
  if (error instanceof CallbacksError) return error;
  return new LlmResponseError(`${provider} sent ${what} of an unknown form.`, { cause: error });
}
