import type OpenAI from 'openai';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import type { LlmRequest } from '../../../types/llm.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import type { AnswerDecoder } from '../shared/decoded-stream.js';
import type { EncodeHints } from '../shared/schema-forms.js';
import type { SdkRequestOptions } from '../shared/sdk-provider.js';
import { encodeResponsesRequest } from './responses-request.js';
import { ResponsesDecoder } from './responses-decoder.js';
import type { OpenAiApi } from './openai-api.js';

/** OpenAI's Responses, without state at the server: the whole conversation goes with every request. */
export class ResponsesApi implements OpenAiApi {
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
