import type OpenAI from 'openai';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import type { EmbedRequest, EmbedResult, LlmRequest } from '../../../types/llm.js';
import {
  type ClientOptions,
  defaultLabel,
  type LimitParameter,
  limitParameterOf,
} from '../../client.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import type { AnswerDecoder } from '../shared/decoded-stream.js';
import type { IdRule } from '../shared/history.js';
import type { EncodeHints } from '../shared/schema-forms.js';
import { loadSdk } from '../shared/sdk-clients.js';
import { SdkProvider } from '../shared/sdk-provider.js';
import type { Sdk, SdkRequestOptions } from '../shared/sdk-transport.js';
import { ChatDecoder } from './chat-decoder.js';
import { encodeChatRequest } from './chat-request.js';
import { chatIdsOf } from './chat-streamed-calls.js';
import { decodeEmbeddings, sendEmbedRequest } from './embeddings.js';
import { ResponsesDecoder } from './responses-decoder.js';
import { encodeResponsesRequest } from './responses-request.js';

/** OpenAI, and every server that supports one of its two APIs. */
export class OpenAiProvider extends SdkProvider<OpenAI> {
  readonly name = 'openai';
  protected readonly sdk: Sdk<OpenAI>;
  readonly #api: OpenAiApi;

  constructor(options: ClientOptions) {
    super(options);
    const provider = options.label ?? 'openai';
    this.#api =
      options.api === 'responses'
        ? new ResponsesApi(provider)
        : new ChatApi(
            provider,
            limitParameterOf(options),
            chatIdsOf(defaultLabel('openai', options)),
          );
    const { method } = this.#api;
    this.sdk = {
      name: 'openai',
      label: provider,
      method,
      environment: {
        keys: ['OPENAI_API_KEY'],
        log: 'OPENAI_LOG',
        without: { organization: null, project: null },
      },
      construct: async (sdkOptions) => {
        const { default: Client } = await loadSdk(provider, 'openai', () => import('openai'));
        const client = new Client(sdkOptions);
        // The SDK's major 7 combines signals by AbortSignal.any(), for 15 µs a call, unless this method is replaced.
        client.fetchWithTimeout = (...given) =>
          Client.prototype.fetchWithTimeout.apply(client, given);
        return client;
      },
      send: (client, body, requestOptions) => this.#api.send(client, body, requestOptions),
    };
  }

  protected encode(request: LlmRequest, streaming: boolean, hints: EncodeHints): object {
    return this.#api.encode(request, streaming, hints);
  }

  protected newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder {
    return this.#api.newDecoder(request, context);
  }

  async embed(request: EmbedRequest, context: LlmProviderContext): Promise<EmbedResult> {
    const answer = await this.answerOf(context, (client, options) =>
      sendEmbedRequest(client, request, options),
    );
    return decodeEmbeddings(this.label, request, answer, context);
  }
}

/** One of the two APIs of OpenAI's SDK. */
interface OpenAiApi {
  /** The path of the client method to call. */
  readonly method: string;
  send(client: OpenAI, body: object, options: SdkRequestOptions): PromiseLike<unknown>;
  encode(request: LlmRequest, streaming: boolean, hints: EncodeHints): object;
  newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder;
}

/** Chat completions, which every OpenAI-compatible server supports. */
class ChatApi implements OpenAiApi {
  readonly method = 'chat.completions.create';

  constructor(
    private readonly provider: string,
    private readonly limitParameter: (model: string) => LimitParameter,
    private readonly ids: IdRule,
  ) {}

  send(client: OpenAI, body: object, options: SdkRequestOptions): PromiseLike<unknown> {
    return client.chat.completions.create(body as OpenAI.ChatCompletionCreateParams, options);
  }

  // Written out, because a spread is slow on Node 20.
  encode(request: LlmRequest, streaming: boolean, { schemaForm }: EncodeHints): object {
    return encodeChatRequest(request, streaming, {
      schemaForm,
      provider: this.provider,
      limitParameter: this.limitParameter(request.model),
      ids: this.ids,
    });
  }

  newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder {
    return new ChatDecoder(this.provider, request.model, context);
  }
}

/** OpenAI's Responses, without state at the server: the whole conversation goes with every request. */
class ResponsesApi implements OpenAiApi {
  readonly method = 'responses.create';

  constructor(private readonly provider: string) {}

  send(client: OpenAI, body: object, options: SdkRequestOptions): PromiseLike<unknown> {
    const params = body as OpenAI.Responses.ResponseCreateParams;
    const sending: PromiseLike<unknown> = client.responses.create(params, options);
    return params.stream ? sending : this.#answered(sending);
  }

  encode(request: LlmRequest, streaming: boolean, hints: EncodeHints): object {
    return encodeResponsesRequest(request, streaming, this.provider, hints);
  }

  newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder {
    return new ResponsesDecoder(this.provider, request.model, context);
  }

  async #answered(sending: PromiseLike<unknown>): Promise<unknown> {
    try {
      return await sending;
    } catch (error) {
      if (!isLookIntoNoObject(error)) throw error;
      // Without a cause, whose message would be the whole answer.
      throw new LlmResponseError(
        `${this.provider} sent an answer that is not JSON: check the base URL.`,
      );
    }
  }
}

/** The SDK reads `object` of an answer before it knows that the answer is an object. */
function isLookIntoNoObject(error: unknown): boolean {
  return error instanceof TypeError && error.message.startsWith("Cannot use 'in' operator");
}
