import type {
  LlmProvider,
  LlmProviderCapabilities,
  LlmProviderContext,
} from '../llm/llm-provider.js';
import {
  type AnswerDecoder,
  DecodedStream,
  decodeWhole,
} from '../llm/providers/shared/decoded-stream.js';
import { toLlmError } from '../llm/providers/shared/map-error.js';
import { SseReader } from '../llm/providers/shared/sse-reader.js';
import type { WireReader } from '../llm/providers/shared/wire-values.js';
import { toWholeAnswer } from '../llm/providers/shared/sdk-transport.js';
import type {
  EmbedRequest,
  EmbedResult,
  LlmChunk,
  LlmRequest,
  ProviderResult,
} from '../types/llm.js';
import { defer } from '../util/promises.js';
import type { AnswerFeed } from './answer-feed.js';
import type { EmbeddingEndpoint, Endpoint, LlmEndpoint } from './endpoints.js';

/** The answer that a foreign client gets from its server. */
export interface ForeignAnswer {
  readonly headers: Headers;
  readonly feed: AnswerFeed;
}

/** Reads the feed up to the end of the answer; what follows belongs to the foreign client alone. */
class FedReader implements WireReader {
  constructor(
    private readonly reader: WireReader,
    private readonly feed: AnswerFeed,
  ) {}

  get isDone(): boolean {
    return this.reader.isDone;
  }

  take(): unknown {
    return this.reader.take();
  }

  async read(): Promise<boolean> {
    if (!this.isDone) return this.reader.read();
    this.feed.complete();
    return false;
  }

  close(): Promise<void> {
    return this.reader.close();
  }

  async leave(): Promise<void> {
    this.feed.complete();
  }
}

/**
 * The provider of an observed call: it is asked when the call may be sent, and answers with what the foreign client
 * receives.
 */
export class ObservedAnswer implements LlmProvider {
  readonly capabilities: LlmProviderCapabilities = { usage: 'server', contextFree: true };
  readonly #asked = defer<LlmProviderContext>();
  readonly #answer = defer<ForeignAnswer>();

  constructor(
    readonly name: string,
    private readonly endpoint: Endpoint,
  ) {
    this.#answer.promise.catch(() => undefined);
  }

  /** Settles when the call may be sent. */
  get asked(): Promise<LlmProviderContext> {
    return this.#asked.promise;
  }

  /** The server has answered. */
  arrived(answer: ForeignAnswer): void {
    this.#answer.resolve(answer);
  }

  /** The foreign client gives up. */
  failed(error: unknown): void {
    this.#answer.reject(error);
  }

  async generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult> {
    const whole = await this.#whole(context);
    return decodeWhole(this.name, this.#newDecoder(request, context), whole);
  }

  stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult> {
    const decoder = this.#newDecoder(request, context);
    const open = async () => {
      this.#asked.resolve(context);
      const { headers, feed } = await this.#answer.promise;
      const body = feed as unknown as ReadableStream<Uint8Array>;
      const reader = SseReader.of(this.name, { headers, body } as Response, decoder.varying)!;
      return new FedReader(reader, feed);
    };
    return new DecodedStream(this.name, open, decoder);
  }

  async embed(request: EmbedRequest, context: LlmProviderContext): Promise<EmbedResult> {
    const whole = await this.#whole(context);
    return (this.endpoint as EmbeddingEndpoint).decodeAnswer(this.name, request, whole, context);
  }

  #newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder {
    return (this.endpoint as LlmEndpoint).newDecoder(this.name, request, context);
  }

  async #whole(context: LlmProviderContext): Promise<object> {
    this.#asked.resolve(context);
    const { feed } = await this.#answer.promise;
    const reader = feed.getReader();
    const bytes: Uint8Array[] = [];
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read())
        bytes.push(read.value);
    } catch (error) {
      throw toLlmError(this.name, error, true);
    }
    return toWholeAnswer(this.name, Buffer.concat(bytes).toString());
  }
}
