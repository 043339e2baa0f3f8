import { CallbacksError } from '../../../errors/callbacks-error.js';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import type { LlmChunk, ProviderResult } from '../../../types/llm.js';
import type { Varying } from './delta-matcher.js';
import { toLlmError } from './to-llm-error.js';
import { WholeAnswer, type WireReader } from './wire-reader.js';

/** Reads the answers of one wire format, whole or streamed: turns them into chunks, and adds them up. */
export interface AnswerDecoder {
  /** Whether an event said that the answer is complete; absent where the reader knows the end marker. */
  readonly isComplete?: boolean;
  /** Where its deltas are. */
  readonly varying: Varying;
  /**
   * Appends the chunks that an event holds to `chunks`; the event may be another one afterwards. What it appends before
   * it throws still belongs to the answer.
   */
  push(event: unknown, chunks: LlmChunk[]): void;
  /** The same for an answer that came as a whole. */
  pushWhole(answer: object, chunks: LlmChunk[]): void;
  /**
   * The whole answer; throws `LlmResponseError` when the stream ended before it was complete.
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
  /** What ends the stream once the chunks before it were taken. */
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

  /** Some servers keep the connection open, or lose it, behind a complete answer. */
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

/** The result of an answer that came as a whole. */
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

/** What a decoder threw: an error of ours as it is, since a form that it did not expect is the provider's. */
function toDecodeError(provider: string, error: unknown, what: string): CallbacksError {
  if (error instanceof CallbacksError) return error;
  return new LlmResponseError(`${provider} sent ${what} of an unknown form.`, { cause: error });
}
