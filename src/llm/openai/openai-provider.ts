import type OpenAI from 'openai';
import type { LlmRequest, ProviderResult } from '../../shapes/index.js';
import type { LlmProviderContext } from '../llm-provider.js';
import type { StreamDecoder } from '../sdk/decoded-stream.js';
import { loadSdk } from '../sdk/load-sdk.js';
import { SdkProvider, type SdkOptions, type SdkRequestOptions } from '../sdk/sdk-provider.js';
import { encodeChatRequest } from './chat-request.js';
import { decodeChatCompletion } from './chat-response.js';
import { ChatStreamDecoder } from './chat-stream-decoder.js';

/** OpenAI's chat completions, and every server that speaks them. */
export class OpenAiProvider extends SdkProvider<OpenAI> {
  readonly name = 'openai';
  protected readonly environment = { keys: ['OPENAI_API_KEY'], log: 'OPENAI_LOG' };

  protected accepts(client: Partial<OpenAI>): boolean {
    return typeof client.chat?.completions?.create === 'function';
  }

  protected async construct(options: SdkOptions): Promise<OpenAI> {
    const { default: Client } = await loadSdk(this.label, 'openai', () => import('openai'));
    return new Client(options);
  }

  protected send(client: OpenAI, body: object, options: SdkRequestOptions): PromiseLike<unknown> {
    return client.chat.completions.create(body as OpenAI.ChatCompletionCreateParams, options);
  }

  protected encode(request: LlmRequest, streaming: boolean): object {
    // Servers that merely speak OpenAI's protocol know the older name of the limit.
    return encodeChatRequest(
      request,
      streaming,
      this.options.label ? 'max_tokens' : 'max_completion_tokens',
    );
  }

  protected decode(answer: object): ProviderResult {
    return decodeChatCompletion(answer, this.label);
  }

  protected newDecoder(request: LlmRequest, context: LlmProviderContext): StreamDecoder {
    return new ChatStreamDecoder(this.label, request.model, context);
  }
}
