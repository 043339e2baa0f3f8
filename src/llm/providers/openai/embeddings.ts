import type OpenAI from 'openai';
import { CallbacksConfigurationError } from '../../../errors/callbacks-error.js';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import type { EmbedRequest, EmbedResult } from '../../../types/llm.js';
import { markDoubted, toUsage, UNREPORTED_USAGE, type Usage } from '../../../types/usage.js';
import type { LlmProviderContext } from '../../llm-provider.js';
import { errorInBody } from '../shared/map-error.js';
import { asNumber, asText, RequestFields, withoutAbsent } from '../shared/request-fields.js';
import type { SdkRequestOptions } from '../shared/sdk-transport.js';
import {
  CountReader,
  objectOf,
  readCount,
  textOf,
  type WireObject,
} from '../shared/wire-values.js';

const BYTES_PER_NUMBER = 4;

/** Sends a request for embeddings. */
export function sendEmbedRequest(
  client: OpenAI,
  { model, input, dimensions, providerOptions }: EmbedRequest,
  options: SdkRequestOptions,
): PromiseLike<unknown> {
  const { embeddings } = client as Partial<OpenAI>;
  if (typeof embeddings?.create !== 'function') {
    throw new CallbacksConfigurationError(
      'llm.client has no method embeddings.create(): use a client of the SDK of openai for embeddings.',
    );
  }
  const body = {
    model,
    input,
    ...(dimensions !== undefined && { dimensions }),
    // The SDK's own default. Named here, so that the SDK does not decode the answer: from a server that ignores the
    // format, it would make wrong numbers of the right ones.
    encoding_format: 'base64' as const,
    ...providerOptions,
  };
  return embeddings.create(body, options);
}

/**
 * The request in a body for embeddings that any code may have built. Never throws. An input of tokens instead of text
 * is the text `''`, so that the number of inputs is right; `encoding_format` is not shown.
 *
 * @example decodeEmbedRequest({ model: 'text-embedding-3-small', input: 'Hi' }).input; // ['Hi']
 */
export function decodeEmbedRequest(body: WireObject): EmbedRequest {
  const fields = new RequestFields(body, ['encoding_format']);
  return withoutAbsent<EmbedRequest>({
    model: fields.read('model', asText) ?? '',
    input: fields.read('input', asInputs) ?? [],
    dimensions: fields.read('dimensions', asNumber),
    providerOptions: fields.rest,
  });
}

function asInputs(value: unknown): string[] | undefined {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return undefined;
  // One input, as a list of tokens.
  return typeof value[0] === 'number' ? [''] : value.map(textOf);
}

/**
 * Reads an answer with embeddings, which may be base64 or numbers. Their count and numbers are checked with those of
 * all providers.
 *
 * @throws LlmResponseError
 */
export function decodeEmbeddings(
  provider: string,
  { input, model, dimensions }: EmbedRequest,
  answer: object,
  context: Pick<LlmProviderContext, 'onUsage' | 'onModel'>,
): EmbedResult {
  const { data, usage: sent, model: answered } = answer as Readonly<Record<string, unknown>>;
  if (!Array.isArray(data)) {
    throw errorInBody(provider, answer) ?? refusal(provider, 'an answer without embeddings');
  }
  const result = {
    embeddings: Array.from<number[]>({ length: input.length }),
    model: textOf(answered) || model,
    usage: usageOf(sent),
  };
  // Billed, even if the vectors cannot be used.
  context.onModel(result.model);
  context.onUsage(result.usage);
  if (data.length !== input.length) {
    throw refusal(provider, `${data.length} embeddings instead of ${input.length}`);
  }
  for (const [position, item] of data.entries()) {
    const { index = position, embedding } = objectOf(item);
    const at = typeof index === 'number' ? index : -1;
    if (!Object.hasOwn(input, at) || result.embeddings[at] !== undefined)
      throw refusal(provider, 'embeddings whose index is not that of a text');
    result.embeddings[at] = toNumbers(provider, embedding);
  }
  const length = result.embeddings[0]!.length;
  if (dimensions !== undefined && length !== dimensions) {
    throw new LlmResponseError(
      `${provider} sent vectors of ${length} numbers instead of ${dimensions}: the model may not support dimensions; leave them out.`,
    );
  }
  return result;
}

/** Embeddings have only input; some servers send it as the total. */
function usageOf(sent: unknown): Usage {
  const { prompt_tokens: prompt, input_tokens: input, total_tokens: total } = objectOf(sent);
  const counts = new CountReader();
  const inputTokens = counts.largest(prompt, input) || readCount(total);
  if (inputTokens) return toUsage({ inputTokens });
  const unreported = toUsage(UNREPORTED_USAGE);
  return counts.doubted ? markDoubted(unreported) : unreported;
}

function toNumbers(provider: string, embedding: unknown): number[] {
  if (Array.isArray(embedding)) return embedding as number[];
  if (typeof embedding !== 'string') throw refusal(provider, 'an embedding that is missing');
  const bytes = Buffer.from(embedding, 'base64');
  if (bytes.length % BYTES_PER_NUMBER !== 0)
    throw refusal(provider, 'an embedding that is not base64 of numbers');
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_PER_NUMBER) numbers.push(bytes.readFloatLE(at));
  return numbers;
}

function refusal(provider: string, what: string): LlmResponseError {
  return new LlmResponseError(`${provider} sent ${what}.`);
}
