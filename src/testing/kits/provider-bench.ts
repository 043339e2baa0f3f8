import assert from 'node:assert/strict';
import { NestFactory } from '@nestjs/core';
import {
  CallbacksModule,
  LlmService,
  type EmbedRequest,
  type EmbedResult,
  type LlmChunk,
  type LlmProvider,
  type LlmProviderCapabilities,
  type LlmProviderContext,
  type LlmRequest,
  type LlmRetry,
  type ProviderResult,
} from '../../index.js';
import { RecordingCallbacks } from '../recording-callbacks.js';
import type { Kit, KitOptions, StreamReading } from './kit.js';
import {
  answerOf,
  embeddingsOf,
  errorOf,
  TEXT,
  type AnswerScript,
  type EmbeddingsScript,
} from './provider-replies.js';
import type {
  ProviderServer,
  ReceivedRequest,
  ScriptedErrorCode,
  ScriptedFault,
} from './provider-server.js';

/** Makes a provider that sends its requests to a {@link ProviderServer} at `url`. */
export type MakeProvider = (url: string) => LlmProvider | Promise<LlmProvider>;

/** Starts a server without replies. */
export type MakeProviderServer = () => ProviderServer | Promise<ProviderServer>;

/** Facts about a provider, which decide what is tested. */
export interface ProviderKitOptions extends KitOptions {
  /**
   * What the providers declare as their `capabilities`: each declared one is tested.
   * @default none
   */
  capabilities?: LlmProviderCapabilities;
  /**
   * Errors that the server distinguishes although they share a status with others.
   * @default those of the statuses 400, 401, 403, 429, 500 and 503
   */
  errors?: readonly ScriptedErrorCode[];
  /**
   * Whether errors have HTTP statuses.
   * @default true
   */
  statuses?: boolean;
  /**
   * Whether the server can report an error inside a stream.
   * @default false
   */
  streamErrors?: boolean;
  /**
   * Whether the provider repeats failed requests by itself, up to the `maxRetries` of its context.
   * @default false
   */
  retries?: boolean;
  /**
   * Whether the provider has `embed()`, and the server of the tests answers with embeddings. A provider with `embed()`
   * must be tested with it.
   * @default false
   */
  embeddings?: boolean;
  /**
   * Whether the server reports usage.
   * @default true
   */
  usage?: boolean;
  /**
   * The model that is requested, and answers.
   * @default 'kit-model'
   */
  model?: string;
}

/** How a test asks the provider for an answer of the model. */
export type AnswerMethod = 'generate' | 'stream';
export const ANSWER_METHODS: readonly AnswerMethod[] = ['generate', 'stream'];

/** How a test calls the provider. */
export type Method = AnswerMethod | 'embed';

/** The methods that send requests, for the rules that are the same for all of them. */
export function methodsOf({ embeddings }: ProviderKitOptions): readonly Method[] {
  return embeddings ? [...ANSWER_METHODS, 'embed'] : ANSWER_METHODS;
}

/** What a call of any method gives: a text, or vectors. */
export type Content = string | readonly (readonly number[])[];

/** Adds a test of a rule of `LlmProvider`. */
export type AddProviderTest = (
  member: string,
  rule: string,
  run: (bench: ProviderBench) => Promise<void>,
) => void;

/** The provider of one test, and its server. */
export class ProviderBench {
  provider!: LlmProvider;
  server!: ProviderServer;
  readonly retries: LlmRetry[] = [];
  readonly #model: string;
  readonly #aborter = new AbortController();
  readonly #closings: (() => Promise<void>)[] = [];

  constructor(
    private readonly kit: Kit,
    private readonly make: MakeProvider,
    private readonly makeServer: MakeProviderServer,
    readonly options: ProviderKitOptions,
  ) {
    this.#model = options.model ?? 'kit-model';
  }

  get model(): string {
    return this.#model;
  }

  async open(): Promise<void> {
    this.server = await this.makeServer();
    this.provider = await this.make(this.server.url);
    await this.provider.prepare?.();
  }

  async close(): Promise<void> {
    this.#aborter.abort(new Error('The test is over.'));
    for (const close of this.#closings) await close();
    await (this.server as ProviderServer | undefined)?.close();
  }

  /** Sets the reply to the next request. */
  answer(method: AnswerMethod, script: AnswerScript = {}): void {
    this.server.reply(answerOf(this.#model, method === 'stream', { ...this.#counts(), ...script }));
  }

  /** Sets the reply to the next request for embeddings. */
  answerTexts(script: EmbeddingsScript = {}): void {
    this.server.reply(embeddingsOf(this.#model, { ...this.#counts(), ...script }));
  }

  /** Sets the usual reply to the next request; returns what a call by the method then gives. */
  succeed(method: Method): Content {
    const reply =
      method === 'embed'
        ? embeddingsOf(this.#model, this.#counts())
        : answerOf(this.#model, method === 'stream', this.#counts());
    this.server.reply(reply);
    return reply.type === 'embeddings' ? reply.embeddings : reply.text.join('');
  }

  /** A server that reports no usage counts nothing. */
  #counts(): { usage?: undefined } {
    return this.options.usage === false ? { usage: undefined } : {};
  }

  fail(code: ScriptedErrorCode, retryAfterMs?: number): void {
    this.server.reply(errorOf(code, retryAfterMs));
  }

  fault(method: Method, type: ScriptedFault['type']): void {
    this.server.reply({ type, streamed: method === 'stream' });
  }

  request(fields: Partial<LlmRequest> = {}): LlmRequest {
    return { model: this.#model, messages: [{ role: 'user', content: 'Hi' }], ...fields };
  }

  context(fields: Partial<LlmProviderContext> = {}): LlmProviderContext {
    return {
      context: { requestId: 'kit', traceId: '1'.repeat(32), tags: [], metadata: {} },
      signal: this.#aborter.signal,
      collect: true,
      maxRetries: 0,
      onRetry: (retry) => void this.retries.push(retry),
      onUsage: () => undefined,
      onModel: () => undefined,
      ...fields,
    };
  }

  /** Calls one of the methods; returns the text or the vectors of its result. */
  async call(method: Method, context: Partial<LlmProviderContext> = {}): Promise<Content> {
    if (method === 'embed') return (await this.embed({}, context)).embeddings;
    return (await this.ask(method, {}, context)).text;
  }

  /** The embeddings of texts. */
  async embed(
    request: Partial<EmbedRequest> = {},
    context: Partial<LlmProviderContext> = {},
  ): Promise<EmbedResult> {
    const { provider } = this;
    assert.ok(typeof provider.embed === 'function', 'The provider has no embed().');
    const asked = { model: this.#model, input: [TEXT], ...request };
    const embedding = provider.embed(asked, this.context(context));
    return this.kit.inTime('embed() does not settle', embedding);
  }

  /** The answer of the model by one of two methods. */
  async ask(
    method: AnswerMethod,
    request: Partial<LlmRequest> = {},
    context: Partial<LlmProviderContext> = {},
  ): Promise<ProviderResult> {
    if (method === 'generate') {
      const answering = this.provider.generate(this.request(request), this.context(context));
      return this.kit.inTime('generate() does not settle', answering);
    }
    return (await this.read(request, context)).result;
  }

  /** Reads a stream to its end. */
  async read(
    request: Partial<LlmRequest> = {},
    context: Partial<LlmProviderContext> = {},
  ): Promise<{ readonly chunks: LlmChunk[]; readonly result: ProviderResult }> {
    const chunks: LlmChunk[] = [];
    let result: ProviderResult | undefined;
    const reader = this.reader(request, context);
    for (let item = await reader.next(); item !== undefined; item = await reader.next()) {
      assert.equal(result, undefined, 'Something follows the result, which must be the last item.');
      if (isChunk(item)) chunks.push(item);
      else result = item;
    }
    assert.ok(result !== undefined, 'The stream ended without a result as its last item.');
    return { chunks, result };
  }

  /** Reads a stream item by item. */
  reader(
    request: Partial<LlmRequest> = {},
    context: Partial<LlmProviderContext> = {},
  ): StreamReading<LlmChunk | ProviderResult> {
    return this.kit.reader(this.provider.stream(this.request(request), this.context(context)));
  }

  /** The error of a call that must fail. */
  async errorOf(
    method: Method,
    context: Partial<LlmProviderContext> = {},
  ): Promise<
    Error & { code?: unknown; retryable?: unknown; status?: unknown; retryAfterMs?: unknown }
  > {
    return rejection(this.call(method, context));
  }

  /** Waits for a request with the given index. */
  received(index = 0): Promise<ReceivedRequest> {
    return this.kit.eventually('the server receives no request', () => this.server.requests[index]);
  }

  /** Waits until the client of a request has left. */
  async aborted(index = 0): Promise<void> {
    const { aborted } = await this.received(index);
    await this.kit.inTime('the request is still open', aborted);
  }

  /** An application with the provider. */
  async application(): Promise<{ llm: LlmService; recording: RecordingCallbacks }> {
    const recording = new RecordingCallbacks();
    const llm = {
      provider: this.provider,
      model: this.#model,
      ...(this.options.embeddings && { embeddingModel: this.#model }),
    };
    const app = await NestFactory.createApplicationContext(
      CallbacksModule.forRoot({ llm, callbacks: [recording] }),
      { logger: false, abortOnError: false },
    );
    this.#closings.push(() => app.close());
    return { llm: app.get(LlmService), recording };
  }

  /** Awaits what must settle. */
  inTime<T>(what: string, promise: PromiseLike<T>): Promise<T> {
    return this.kit.inTime(what, promise);
  }
}

export function isChunk(item: LlmChunk | ProviderResult): item is LlmChunk {
  return 'type' in item;
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const failed = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  assert.ok(failed !== undefined, 'The call succeeded, but must fail.');
  // Errors of the platform, such as those of an abort, may belong to another realm than the tests.
  const { message } = Object(failed.error) as { message?: unknown };
  assert.equal(typeof message, 'string', 'The call failed with something that is no error.');
  return failed.error as Error;
}
