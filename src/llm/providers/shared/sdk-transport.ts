import { types } from 'node:util';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import { AddressFinder, type ClientOptions, type ClientServer, hostOf } from '../../client.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import { observing, RequestAttempts, toAnswer } from './observed-fetch.js';
import { makesSpans, withoutSdkSpan } from './sdk-spans.js';
import { SdkClients, type SdkSetup } from './sdk-clients.js';
import type { Varying } from './sse-parser.js';
import { SseReader } from './sse-reader.js';
import { SdkReader, type WireReader } from './wire-values.js';

/** The options of one request besides its body. */
export interface SdkRequestOptions {
  readonly signal: AbortSignal;
  readonly fetchOptions: object;
  readonly maxRetries?: number;
}

/** How the SDK of a provider is used. */
export interface Sdk<Client> extends SdkSetup<Client> {
  /** Calls the client's method. */
  send(client: Client, body: object, options: SdkRequestOptions): PromiseLike<unknown>;
}

/** Sends bodies through a provider's SDK, and returns whole answers and readers of streams, not yet decoded. */
export class SdkTransport<Client> {
  readonly #clients: SdkClients<Client>;
  #addresses: AddressFinder | undefined;

  /** @param sdk called on first use */
  constructor(
    private readonly options: ClientOptions,
    private readonly sdk: () => Sdk<Client>,
  ) {
    this.#clients = new SdkClients(options, sdk);
  }

  /**
   * The user's own client, and a function that returns its key, may call anything; the default client calls the global
   * `fetch`, which is assumed to start no runs.
   */
  get contextFree(): boolean {
    return this.options.client === undefined && typeof this.options.apiKey !== 'function';
  }

  /** The server that is called, with its host if it is not the provider's own; `undefined` for a mocked client. */
  get server(): ClientServer | undefined {
    const { options } = this;
    const { client } = options;
    if (client !== undefined && !hasBaseUrl(client)) return undefined;
    const { name } = this.sdk();
    const addresses = (this.#addresses ??= new AddressFinder(name));
    const clients = this.#clients;
    return {
      get host() {
        return hostOf(name, options);
      },
      get address() {
        return addresses.of(options);
      },
      get isTracedBySdk() {
        return makesSpans(name, client ?? clients.ready);
      },
    };
  }

  /** Rejects configurations that cannot work. */
  prepare(): Promise<void> {
    return this.#clients.prepare();
  }

  /** The whole answer, for {@link toWholeAnswer}: the SDK's own promise, which sends the request in its `then`. */
  ask(body: object, context: LlmProviderContext): unknown {
    const options = this.#requestOptions(context);
    const { ready } = this.#clients;
    const send = (client: Client) =>
      withSpanOf(client, context, () => this.sdk().send(client, body, options));
    return ready !== undefined ? send(ready) : this.#clients.for(context).then(send);
  }

  /** The whole answer of a request of another kind. */
  async call(
    context: LlmProviderContext,
    send: (client: Client, options: SdkRequestOptions) => PromiseLike<unknown>,
  ): Promise<unknown> {
    const client = this.#clients.ready ?? (await this.#clients.for(context));
    return withSpanOf(client, context, () => send(client, this.#requestOptions(context)));
  }

  /** A reader of a streamed answer. */
  async open(body: object, context: LlmProviderContext, varying: Varying): Promise<WireReader> {
    const sdk = this.sdk();
    const { label } = sdk;
    const client = this.#clients.ready ?? (await this.#clients.for(context));
    const sending = withSpanOf(client, context, () =>
      sdk.send(client, body, this.#requestOptions(context)),
    );
    // Not through a wrapper, which must see the SDK's own stream.
    if (hasRawResponse(sending) && !types.isProxy(client)) {
      const reader = SseReader.of(label, await sending.asResponse(), varying);
      if (reader !== undefined) return reader;
    }
    const stream = (await sending) as Partial<AsyncIterable<unknown>> | undefined;
    if (typeof stream?.[Symbol.asyncIterator] === 'function') {
      return new SdkReader(stream as AsyncIterable<unknown>);
    }
    if (typeof stream === 'object' && stream !== null) return SdkReader.ofWhole(stream);
    throw new LlmResponseError(`The client of ${label} returned no stream.`);
  }

  #requestOptions({
    signal,
    deadline,
    onRetry,
    maxRetries,
  }: LlmProviderContext): SdkRequestOptions {
    const attempts = new RequestAttempts(this.sdk().label, { deadline, onRetry, signal });
    const fetchOptions = observing(attempts);
    return maxRetries === undefined
      ? { signal, fetchOptions }
      : { signal, fetchOptions, maxRetries };
  }
}

/** What an SDK returned, as an object; an answer whose content type is not JSON is returned as text. */
export function toWholeAnswer(label: string, answer: unknown): object {
  const whole = typeof answer === 'string' ? toAnswer(label, answer) : answer;
  if (typeof whole !== 'object' || whole === null) {
    throw new LlmResponseError(`${label} sent an answer that is not JSON: check the base URL.`);
  }
  return whole;
}

/** Sends a request, without the SDK's own span if the run has one. */
function withSpanOf<R>(client: unknown, { hasSpan }: LlmProviderContext, send: () => R): R {
  return hasSpan ? withoutSdkSpan(client, send) : send();
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
