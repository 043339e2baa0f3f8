import type OpenAI from 'openai';
import type { LlmRequest, ProviderResult } from '../../shapes/index.js';
import type { LlmProviderContext } from '../llm-provider.js';
import type { StreamDecoder } from '../sdk/decoded-stream.js';
import type { EncodeHints } from '../sdk/schema-forms.js';
import type { SdkRequestOptions } from '../sdk/sdk-provider.js';
import type { LimitParameter } from '../server.js';
import { encodeChatRequest } from './chat-request.js';
import { decodeChatCompletion } from './chat-response.js';
import { ChatStreamDecoder } from './chat-stream-decoder.js';
import type { OpenAiSurface } from './surface.js';

/** Chat completions, which every server that is compatible with OpenAI speaks. */
export class ChatSurface implements OpenAiSurface {
  readonly method = 'chat.completions.create';

  constructor(
    private readonly provider: string,
    private readonly limitParameter: (model: string) => LimitParameter,
  ) {}

  send(client: OpenAI, body: object, options: SdkRequestOptions): PromiseLike<unknown> {
    return client.chat.completions.create(body as OpenAI.ChatCompletionCreateParams, options);
  }

  encode(request: LlmRequest, streaming: boolean, { schemaForm }: EncodeHints): object {
    const limitParameter = this.limitParameter(request.model);
    return encodeChatRequest(request, streaming, { limitParameter, schemaForm });
  }

  decode(answer: object): ProviderResult {
    return decodeChatCompletion(answer, this.provider);
  }

  newDecoder(request: LlmRequest, context: LlmProviderContext): StreamDecoder {
    return new ChatStreamDecoder(this.provider, request.model, context);
  }
}
