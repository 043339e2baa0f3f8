import type OpenAI from 'openai';
import type { LlmRequest } from '../../../types/llm.js';
import type { IdRule } from '../shared/call-ids.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import type { AnswerDecoder } from '../shared/decoded-stream.js';
import type { EncodeHints } from '../shared/schema-forms.js';
import type { SdkRequestOptions } from '../shared/sdk-provider.js';
import type { LimitParameter } from '../../server.js';
import { ChatDecoder } from './chat-decoder.js';
import { encodeChatRequest } from './chat-request.js';
import type { OpenAiApi } from './openai-api.js';

/** Chat completions, which every OpenAI-compatible server supports. */
export class ChatApi implements OpenAiApi {
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
