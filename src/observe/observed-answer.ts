import { checkedVectors } from '../llm/call/embedding-call.js';
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

/** Notes what its answer fails with. */
class NotedStream extends DecodedStream {
  constructor(
    provider: string,
    open: () => Promise<WireReader>,
    decoder: AnswerDecoder,
    private readonly note: (thrown: unknown) => void,
  ) {
    super(provider, open, decoder);
  }

  override take(): ReturnType<DecodedStream['take']> {
    try {
      return super.take();
    } catch (error) {
      this.note(error);
      throw error;
    }
  }

  override async next(): ReturnType<DecodedStream['next']> {
    try {
      return await super.next();
    } catch (error) {
      this.note(error);
      throw error;
    }
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
  /** What is wrong with the answer: the run fails with it, while the foreign client reads what it can. */
  thrown: unknown;

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

  generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult> {
    const decode = (whole: object) =>
      decodeWhole(this.name, this.#newDecoder(request, context), whole);
    return this.#whole(context, decode);
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
    return new NotedStream(this.name, open, decoder, (thrown) => (this.thrown = thrown));
  }

  embed(request: EmbedRequest, context: LlmProviderContext): Promise<EmbedResult> {
    const { decodeAnswer } = this.endpoint as EmbeddingEndpoint;
    // Checked here already: what is wrong with the answer is not the caller's error.
    return this.#whole(context, (whole) =>
      checkedVectors(this.name, request, decodeAnswer(this.name, request, whole, context)),
    );
  }

  #newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder {
    return (this.endpoint as LlmEndpoint).newDecoder(this.name, request, context);
  }

  async #whole<R>(context: LlmProviderContext, decode: (whole: object) => R): Promise<R> {
    this.#asked.resolve(context);
    const { feed } = await this.#answer.promise;
    const reader = feed.getReader();
    const bytes: Uint8Array[] = [];
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read())
        bytes.push(read.value);
      return decode(toWholeAnswer(this.name, Buffer.concat(bytes).toString()));
    } catch (error) {
      this.thrown = toLlmError(this.name, error, true);
      throw this.thrown;
    }
  }
}
