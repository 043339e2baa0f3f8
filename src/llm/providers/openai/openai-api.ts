import type OpenAI from 'openai';
import type { LlmRequest } from '../../../types/llm.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import type { AnswerDecoder } from '../shared/decoded-stream.js';
import type { EncodeHints } from '../shared/schema-forms.js';
import type { SdkRequestOptions } from '../shared/sdk-provider.js';

/** One of the two APIs of OpenAI's SDK. */
export interface OpenAiApi {
  /** The path of the client method to call. */
  readonly method: string;
  send(client: OpenAI, body: object, options: SdkRequestOptions): PromiseLike<unknown>;
  encode(request: LlmRequest, streaming: boolean, hints: EncodeHints): object;
  newDecoder(request: LlmRequest, context: LlmProviderContext): AnswerDecoder;
}
