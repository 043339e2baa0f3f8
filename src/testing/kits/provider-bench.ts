import assert from 'node:assert/strict';
import { NestFactory } from '@nestjs/core';
import {
  CallbacksModule,
  LlmService,
  type LlmChunk,
  type LlmProvider,
  type LlmProviderCapabilities,
  type LlmProviderContext,
  type LlmRequest,
  type LlmRetry,
  type ProviderResult,
} from '../../index.js';
import { RecordingCallbacks } from '../recording-callbacks.js';
import type { Kit, KitOptions } from './kit.js';
import type {
  ProviderServer,
  ReceivedRequest,
  ScriptedAnswer,
  ScriptedError,
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

/** How a test calls the provider. */
export type Method = 'generate' | 'stream';
export const METHODS: readonly Method[] = ['generate', 'stream'];

/** An answer without its defaults. */
export type AnswerScript = Partial<Omit<ScriptedAnswer, 'type' | 'streamed' | 'model'>>;

/** Adds a test of a rule of `LlmProvider`. */
export type AddProviderTest = (
  member: string,
  rule: string,
  run: (bench: ProviderBench) => Promise<void>,
) => void;

export const USAGE = { inputTokens: 1_200, outputTokens: 34 } as const;

const STATUSES: Readonly<Record<ScriptedErrorCode, number>> = {
  authentication: 401,
  permission: 403,
  rate_limit: 429,
  billing: 402,
  context_length: 400,
  content_filter: 400,
  invalid_request: 400,
  model_not_found: 404,
  overloaded: 503,
  server_error: 500,
  timeout: 408,
};

/** An error as a server sends it. */
export function errorOf(code: ScriptedErrorCode, retryAfterMs?: number): ScriptedError {
  return {
    type: 'error',
    code,
    status: STATUSES[code],
    message: `The server of the test reports: ${code}.`,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

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
  answer(method: Method, script: AnswerScript = {}): void {
    const { toolCalls = [], usage = USAGE } = script;
    this.server.reply({
      reasoning: [],
      text: toolCalls.length > 0 || 'text' in script ? [] : ['Hello'],
      finishReason: toolCalls.length > 0 ? 'tool-calls' : 'stop',
      ending: 'end',
      packets: 'frames',
      ...script,
      type: 'answer',
      streamed: method === 'stream',
      model: this.#model,
      toolCalls,
      usage: 'usage' in script || this.options.usage === false ? script.usage : usage,
    });
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

  /** The result of one of the two methods. */
  async ask(
    method: Method,
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
  ): { next(): Promise<LlmChunk | ProviderResult | undefined>; leave(): Promise<void> } {
    const stream = this.provider.stream(this.request(request), this.context(context));
    const iterator = stream[Symbol.asyncIterator]();
    return {
      next: async () => {
        const item = await this.kit.inTime('the stream yields nothing', iterator.next());
        return item.done ? undefined : item.value;
      },
      leave: async () => {
        const left = Promise.resolve(iterator.return?.());
        await this.kit.inTime('return() of the stream does not settle', left);
      },
    };
  }

  /** The error of one of the two methods. */
  async errorOf(
    method: Method,
    request: Partial<LlmRequest> = {},
    context: Partial<LlmProviderContext> = {},
  ): Promise<
    Error & { code?: unknown; retryable?: unknown; status?: unknown; retryAfterMs?: unknown }
  > {
    return rejection(this.ask(method, request, context));
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
    const llm = { provider: this.provider, model: this.#model };
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
