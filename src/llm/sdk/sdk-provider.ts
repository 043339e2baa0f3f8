import { types } from 'node:util';
import { promised } from '../../dispatch/index.js';
import { CallbacksConfigurationError, LlmResponseError } from '../../errors/index.js';
import type { LlmChunk, LlmRequest, ProviderResult } from '../../shapes/index.js';
import type { LlmOptions } from '../llm-options.js';
import type { LlmProviderContext, QuietProvider } from '../llm-provider.js';
import { hostOf } from '../server.js';
import { DecodedStream, decodeWhole, type AnswerDecoder } from './decoded-stream.js';
import { observeClient, observedFetch, observing, RequestAttempts } from './observed-fetch.js';
import type { Varying } from './repeated-event.js';
import { SchemaForms, type EncodeHints } from './schema-forms.js';
import { SseReader } from './sse-reader.js';
import { toLlmError } from './to-llm-error.js';
import { toAnswer } from './whole-body.js';
import { SdkReader, type WireReader } from './wire-reader.js';

/** Options that the SDKs' constructors share. */
export interface SdkOptions {
  apiKey?: string;
  baseURL?: string;
  timeout?: number;
  maxRetries?: number;
  defaultHeaders?: Record<string, string>;
  fetch: typeof globalThis.fetch;
  logLevel?: 'off';
}

/** What goes with one request besides its body. */
export interface SdkRequestOptions {
  readonly signal: AbortSignal;
  readonly fetchOptions: object;
  readonly maxRetries?: number;
}

/** A provider behind an official SDK: what differs between the wire formats is left to its subclass. */
export abstract class SdkProvider<Client> implements QuietProvider {
  abstract readonly name: 'openai' | 'anthropic';
  /** The environment variables that hold the SDK's key, and its log level. */
  protected abstract readonly environment: {
    readonly keys: readonly string[];
    readonly log: string;
  };
  #client: Client | undefined;
  #loading: Promise<Client> | undefined;
  readonly #schemaForms = new SchemaForms();

  constructor(protected readonly options: Omit<LlmOptions, 'provider' | 'model'>) {}

  /** The path of the one method of a client that is called; mocks are whatever has it. */
  protected abstract readonly method: string;
  protected abstract construct(options: SdkOptions): Promise<Client>;
  protected abstract send(
    client: Client,
    body: object,
    options: SdkRequestOptions,
  ): PromiseLike<unknown>;
  protected abstract encode(request: LlmRequest, streaming: boolean, hints: EncodeHints): object;
  protected abstract newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder;

  /** The user's own client may call anything; ours calls the global `fetch`, which is not thought to start runs. */
  get startsNoRuns(): boolean {
    return this.options.client === undefined;
  }

  /** Its name in errors. */
  protected get label(): string {
    return this.options.label ?? this.name;
  }

  /** The server that is asked, with its host where that is not the provider's own; `undefined` for a mocked client. */
  get server(): { readonly host: string | undefined } | undefined {
    const { client } = this.options;
    const isMock = client !== undefined && !hasBaseUrl(client);
    return isMock ? undefined : { host: hostOf(this.name, this.options) };
  }

  async prepare(): Promise<void> {
    await this.#load();
  }

  generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult> {
    const hints = this.#hintsFor(request);
    // Not awaited: a promise of an SDK's own kind is called by its `then`, and costs no wrapper.
    return promised(() => this.#ask(request, context, hints)).then(
      (answer) => this.#decode(answer, request, context),
      (thrown: unknown) => {
        this.#checkForm(request, context, hints, thrown);
        return this.generate(request, context);
      },
    );
  }

  #hintsFor(request: LlmRequest): EncodeHints {
    return { schemaForm: this.#schemaForms.of(request) };
  }

  /** Returns where a request that failed is to be sent once more with its schema in words; else throws its error. */
  #checkForm(
    request: LlmRequest,
    { onRetry }: LlmProviderContext,
    { schemaForm }: EncodeHints,
    thrown: unknown,
  ): void {
    const error = toLlmError(this.label, thrown);
    if (!this.#schemaForms.failed(request, schemaForm, thrown)) throw error;
    onRetry({ error, delayMs: 0 });
  }

  #ask(request: LlmRequest, context: LlmProviderContext, hints: EncodeHints): unknown {
    const body = this.encode(request, false, hints);
    const options = this.#requestOptions(context);
    if (this.#client !== undefined) return this.send(this.#client, body, options);
    return this.#load().then((client) => this.send(client, body, options));
  }

  stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult> {
    const decoder = this.newDecoder(request, context);
    const open = (hints: EncodeHints) =>
      this.#openReader(this.encode(request, true, hints), context, decoder.varying);
    const openInForm = () => {
      const hints = this.#hintsFor(request);
      if (request.schema === undefined) return open(hints);
      return promised(() => open(hints)).catch((thrown: unknown) => {
        this.#checkForm(request, context, hints, thrown);
        return open(this.#hintsFor(request));
      });
    };
    return new DecodedStream(this.label, openInForm, decoder);
  }

  async #openReader(
    body: object,
    context: LlmProviderContext,
    varying: Varying,
  ): Promise<WireReader> {
    const client = this.#client ?? (await this.#load());
    const sending = this.send(client, body, this.#requestOptions(context));
    // Not through a wrapper, which has the SDK's own stream to look at.
    if (hasRawResponse(sending) && !types.isProxy(client)) {
      const reader = SseReader.of(this.label, await sending.asResponse(), varying);
      if (reader !== undefined) return reader;
    }
    const stream = (await sending) as Partial<AsyncIterable<unknown>> | undefined;
    if (typeof stream?.[Symbol.asyncIterator] === 'function') {
      return new SdkReader(stream as AsyncIterable<unknown>);
    }
    if (typeof stream === 'object' && stream !== null) return SdkReader.ofWhole(stream);
    throw new LlmResponseError(`The client of ${this.label} returned no stream.`);
  }

  #requestOptions({
    signal,
    deadline,
    onRetry,
    maxRetries,
  }: LlmProviderContext): SdkRequestOptions {
    const fetchOptions = observing(new RequestAttempts(this.label, { deadline, onRetry, signal }));
    return maxRetries === undefined
      ? { signal, fetchOptions }
      : { signal, fetchOptions, maxRetries };
  }

  #decode(answer: unknown, request: LlmRequest, context: LlmProviderContext): ProviderResult {
    // The SDKs give what is no JSON by its content type as a text.
    const whole = typeof answer === 'string' ? toAnswer(this.label, answer) : answer;
    if (typeof whole !== 'object' || whole === null) {
      throw new LlmResponseError(
        `${this.label} sent an answer that is not JSON: check the base URL.`,
      );
    }
    return decodeWhole(this.label, this.newDecoder(request, context), whole);
  }

  #load(): Promise<Client> {
    this.#loading ??= this.#newClient();
    return this.#loading;
  }

  async #newClient(): Promise<Client> {
    const { client, apiKey, baseURL, timeout, maxRetries, defaultHeaders } = this.options;
    if (client !== undefined) {
      if (!hasMethod(client, this.method)) {
        throw new CallbacksConfigurationError(
          `llm.client is not a client of the SDK of ${this.name}: it has no method ${this.method}().`,
        );
      }
      observeClient(client);
      return (this.#client = client as Client);
    }
    const { keys, log } = this.environment;
    const hasKey = apiKey || keys.some((name) => process.env[name]);
    if (!hasKey && !baseURL) {
      throw new CallbacksConfigurationError(
        `The provider "${this.label}" has no API key: set ${keys.join(' or ')}, or give llm.apiKey (or llm.client, or the llm.baseURL of a server without keys).`,
      );
    }
    // The SDKs want one, and a server without keys does not look at it.
    const key = hasKey ? apiKey : 'none';
    this.#client = await this.construct({
      ...(key !== undefined && { apiKey: key }),
      ...(baseURL !== undefined && { baseURL }),
      ...(timeout !== undefined && { timeout }),
      ...(maxRetries !== undefined && { maxRetries }),
      ...(defaultHeaders !== undefined && { defaultHeaders }),
      fetch: observedFetch(() => globalThis.fetch),
      // The SDKs write malformed answers to the console, and with them what a model said.
      ...(!process.env[log] && { logLevel: 'off' }),
    });
    return this.#client;
  }
}

function hasBaseUrl(client: object): boolean {
  return typeof (client as { baseURL?: unknown }).baseURL === 'string';
}

function hasMethod(client: object, path: string): boolean {
  const found = path
    .split('.')
    .reduce<unknown>((part, name) => (Object(part) as Record<string, unknown>)[name], client);
  return typeof found === 'function';
}

/** Whether what an SDK's method returned gives its answer unread, as the promises of both SDKs do. */
function hasRawResponse(
  sending: PromiseLike<unknown>,
): sending is PromiseLike<unknown> & { asResponse(): Promise<Response> } {
  return typeof (Object(sending) as { asResponse?: unknown }).asResponse === 'function';
}
