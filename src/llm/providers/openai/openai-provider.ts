import type OpenAI from 'openai';
import type { LlmRequest } from '../../../types/llm.js';
import type { ClientOptions } from '../../client-options.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import type { AnswerDecoder } from '../shared/decoded-stream.js';
import { loadSdk } from '../shared/load-sdk.js';
import type { EncodeHints } from '../shared/schema-forms.js';
import type { SdkOptions } from '../shared/sdk-clients.js';
import { SdkProvider, type SdkRequestOptions } from '../shared/sdk-provider.js';
import { defaultLabel, limitParameterOf } from '../../server.js';
import { chatIdsOf } from './chat-ids.js';
import { ChatApi } from './chat-api.js';
import { ResponsesApi } from './responses-api.js';
import type { OpenAiApi } from './openai-api.js';

/** OpenAI, and every server that supports one of its two APIs. */
export class OpenAiProvider extends SdkProvider<OpenAI> {
  readonly name = 'openai';
  protected readonly environment = {
    keys: ['OPENAI_API_KEY'],
    log: 'OPENAI_LOG',
    without: { organization: null, project: null },
  };
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
  }

  protected get method(): string {
    return this.#api.method;
  }

  protected async construct(options: SdkOptions): Promise<OpenAI> {
    const { default: Client } = await loadSdk(this.label, 'openai', () => import('openai'));
    return new Client(options);
  }

  protected send(client: OpenAI, body: object, options: SdkRequestOptions): PromiseLike<unknown> {
    return this.#api.send(client, body, options);
  }

  protected encode(request: LlmRequest, streaming: boolean, hints: EncodeHints): object {
    return this.#api.encode(request, streaming, hints);
  }

  protected newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder {
    return this.#api.newDecoder(request, context);
  }
}
