import type Anthropic from '@anthropic-ai/sdk';
import type { LlmRequest } from '../../../types/llm.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import type { AnswerDecoder } from '../shared/decoded-stream.js';
import type { EncodeHints } from '../shared/schema-forms.js';
import { loadSdk } from '../shared/sdk-clients.js';
import { SdkProvider } from '../shared/sdk-provider.js';
import type { Sdk } from '../shared/sdk-transport.js';
import { encodeMessagesRequest } from './messages-request.js';
import { MessagesDecoder } from './messages-decoder.js';

/** Anthropic's Messages API. */
export class AnthropicProvider extends SdkProvider<Anthropic> {
  readonly name = 'anthropic';
  protected readonly sdk: Sdk<Anthropic> = {
    name: 'anthropic',
    label: this.label,
    method: 'messages.create',
    environment: {
      keys: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'],
      log: 'ANTHROPIC_LOG',
      without: { authToken: null },
    },
    construct: async (options) => {
      const { default: Client } = await loadSdk(
        this.label,
        '@anthropic-ai/sdk',
        () => import('@anthropic-ai/sdk'),
      );
      return new Client(options);
    },
    send: (client, body, options) =>
      client.messages.create(body as Anthropic.MessageCreateParams, options),
  };

  protected encode(request: LlmRequest, streaming: boolean, { schemaForm }: EncodeHints): object {
    return encodeMessagesRequest(request, streaming, { schemaForm, provider: this.label });
  }

  protected newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder {
    return new MessagesDecoder(this.label, request.model, context);
  }
}
