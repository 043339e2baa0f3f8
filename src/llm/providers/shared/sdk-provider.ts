import { types } from 'node:util';
import { promised } from '../../../util/promises.js';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import type { LlmChunk, LlmRequest, ProviderResult } from '../../../types/llm.js';
import type { ClientOptions } from '../../client.js';
import type { LlmProviderContext, ContextFreeProvider } from '../../llm-provider.js';
import { hostOf } from '../../server.js';
import { DecodedStream, decodeWhole, type AnswerDecoder } from './decoded-stream.js';
import { observing, RequestAttempts, toAnswer } from './observed-fetch.js';
import type { Varying } from './sse-parser.js';
import { SchemaForms, type EncodeHints } from './schema-forms.js';
import { SdkClients, type SdkEnvironment, type SdkOptions } from './sdk-clients.js';
import { SseReader } from './sse-reader.js';
import { toLlmError } from './map-error.js';
import { SdkReader, type WireReader } from './wire-values.js';

/** The options of one request besides its body. */
export interface SdkRequestOptions {
  readonly signal: AbortSignal;
  readonly fetchOptions: object;
  readonly maxRetries?: number;
}

/** A provider that uses an official SDK; subclasses implement the wire formats. */
export abstract class SdkProvider<Client> implements ContextFreeProvider {
  abstract readonly name: 'openai' | 'anthropic';
  protected abstract readonly environment: SdkEnvironment;
  readonly #clients: SdkClients<Client>;
  readonly #schemaForms = new SchemaForms();

  constructor(protected readonly options: ClientOptions) {
    this.#clients = new SdkClients(options, () => ({
      name: this.name,
      label: this.label,
      method: this.method,
      environment: this.environment,
      construct: (sdkOptions) => this.construct(sdkOptions),
    }));
  }

  /** The path of the one client method that is called; a mock is any object that has it. */
  protected abstract readonly method: string;
  protected abstract construct(options: SdkOptions): Promise<Client>;
  protected abstract send(
    client: Client,
    body: object,
    options: SdkRequestOptions,
  ): PromiseLike<unknown>;
  protected abstract encode(request: LlmRequest, streaming: boolean, hints: EncodeHints): object;
  protected abstract newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder;

  /**
   * The user's own client, and a function that returns its key, may call anything; the default client calls the global
   * `fetch`, which is assumed to start no runs.
   */
  get contextFree(): boolean {
    return this.options.client === undefined && typeof this.options.apiKey !== 'function';
  }

  /** Its name in errors. */
  protected get label(): string {
    return this.options.label ?? this.name;
  }

  /** The server that is called, with its host if it is not the provider's own; `undefined` for a mocked client. */
  get server(): { readonly host: string | undefined } | undefined {
    const { client } = this.options;
    const isMock = client !== undefined && !hasBaseUrl(client);
    return isMock ? undefined : { host: hostOf(this.name, this.options) };
  }

  prepare(): Promise<void> {
    return this.#clients.prepare();
  }

  generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult> {
    const hints = this.#hintsFor(request);
    // Not awaited: an SDK's own promise sends the request in its `then`, without a wrapper.
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

  /** Returns if a failed request is to be sent again with its schema as an instruction; else throws its error. */
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
    const { ready } = this.#clients;
    if (ready !== undefined) return this.send(ready, body, options);
    return this.#clients.for(context).then((client) => this.send(client, body, options));
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
    const client = this.#clients.ready ?? (await this.#clients.for(context));
    const sending = this.send(client, body, this.#requestOptions(context));
    // Not through a wrapper, which must see the SDK's own stream.
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
    // The SDKs return an answer whose content type is not JSON as text.
    const whole = typeof answer === 'string' ? toAnswer(this.label, answer) : answer;
    if (typeof whole !== 'object' || whole === null) {
      throw new LlmResponseError(
        `${this.label} sent an answer that is not JSON: check the base URL.`,
      );
    }
    return decodeWhole(this.label, this.newDecoder(request, context), whole);
  }
}

function hasBaseUrl(client: object): boolean {
  return typeof (client as { baseURL?: unknown }).baseURL === 'string';
}

/** Whether the result of an SDK's method gives access to the unread answer, as the promises of both SDKs do. */
function hasRawResponse(
  sending: PromiseLike<unknown>,
): sending is PromiseLike<unknown> & { asResponse(): Promise<Response> } {
  return typeof (Object(sending) as { asResponse?: unknown }).asResponse === 'function';
}
