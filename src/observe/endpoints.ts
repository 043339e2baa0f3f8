import { decodeMessagesRequest } from '../llm/providers/anthropic/messages-request-decoder.js';
import { MessagesDecoder } from '../llm/providers/anthropic/messages-decoder.js';
import { ChatDecoder } from '../llm/providers/openai/chat-decoder.js';
import { decodeChatRequest } from '../llm/providers/openai/chat-request-decoder.js';
import { decodeEmbeddings, decodeEmbedRequest } from '../llm/providers/openai/embeddings.js';
import { ResponsesDecoder } from '../llm/providers/openai/responses-decoder.js';
import { decodeResponsesRequest } from '../llm/providers/openai/responses-request-decoder.js';
import type { LlmProviderContext } from '../llm/llm-provider.js';
import type { AnswerDecoder } from '../llm/providers/shared/decoded-stream.js';
import { isObject, objectOf, type WireObject } from '../llm/providers/shared/wire-values.js';
import type { EmbedRequest, EmbedResult, LlmRequest } from '../types/llm.js';

/** The SDKs whose clients are observed. */
export type Sdk = 'openai' | 'anthropic';

/** A kind of requests that are observed. */
export type Endpoint = LlmEndpoint | EmbeddingEndpoint;

export interface LlmEndpoint {
  readonly kind: 'llm';
  /** The body of a stream with a request for its usage, for servers that send none otherwise. */
  askUsage?(body: WireObject): WireObject;
  decodeRequest(body: WireObject, label: string): LlmRequest;
  newDecoder(label: string, request: LlmRequest, context: LlmProviderContext): AnswerDecoder;
}

export interface EmbeddingEndpoint {
  readonly kind: 'embedding';
  decodeRequest(body: WireObject): EmbedRequest;
  // Not its type by typeof, with which an application without the package openai would not compile.
  readonly decodeAnswer: (
    label: string,
    request: EmbedRequest,
    answer: object,
    context: LlmProviderContext,
  ) => EmbedResult;
}

/** By SDK, then by the end of the path: OpenAI's threads have messages, too. */
const ENDPOINTS: Readonly<Record<Sdk, Readonly<Record<string, Endpoint>>>> = {
  openai: {
    '/chat/completions': {
      kind: 'llm',
      decodeRequest: decodeChatRequest,
      newDecoder: (label, { model }, context) => new ChatDecoder(label, model, context),
      askUsage: ({ stream_options: options, ...body }) => ({
        ...body,
        stream_options: { include_usage: true, ...objectOf(options) },
      }),
    },
    '/responses': {
      kind: 'llm',
      decodeRequest: decodeResponsesRequest,
      newDecoder: (label, { model }, context) => new ResponsesDecoder(label, model, context),
    },
    '/embeddings': {
      kind: 'embedding',
      decodeRequest: decodeEmbedRequest,
      decodeAnswer: decodeEmbeddings,
    },
  },
  anthropic: {
    '/messages': {
      kind: 'llm',
      decodeRequest: (body, label) => decodeMessagesRequest(body, '', label),
      newDecoder: (label, { model }, context) => new MessagesDecoder(label, model, context),
    },
  },
};

/** What a request of an SDK asks for; `undefined` for what is not observed: models, files, batches … */
export function endpointOf(
  sdk: Sdk,
  { method, path, body }: { method?: unknown; path?: unknown; body?: unknown },
): Endpoint | undefined {
  if (typeof method !== 'string' || method.toLowerCase() !== 'post') return undefined;
  if (typeof path !== 'string' || !isObject(body)) return undefined;
  const [plain = ''] = path.split('?');
  return Object.entries(ENDPOINTS[sdk]).find(([end]) => plain.endsWith(end))?.[1];
}

/** Fields of which a body has one, unless its path only looks like that of an LLM. */
const FIELDS_BY_END: Readonly<Record<string, readonly string[]>> = {
  '/chat/completions': ['messages'],
  '/responses': ['input', 'prompt'],
  '/messages': ['messages'],
  '/embeddings': ['input'],
};

/** Whether the path of a request to any server may be that of a request to an LLM. */
export function isObservedPath(path: string): boolean {
  return endOf(path) !== undefined;
}

/** What a request to any server asks for; `undefined` if it asks no LLM. */
export function endpointAt(
  path: string,
  body: WireObject,
): { readonly sdk: Sdk; readonly endpoint: Endpoint } | undefined {
  const end = endOf(path);
  if (end === undefined || !FIELDS_BY_END[end]!.some((name) => name in body)) return undefined;
  const sdk = end in ENDPOINTS.openai ? 'openai' : 'anthropic';
  return { sdk, endpoint: ENDPOINTS[sdk][end]! };
}

function endOf(path: string): string | undefined {
  return Object.keys(FIELDS_BY_END).find((end) => path.endsWith(end));
}

/** The body as it is sent: with a request for the usage of a stream, if the application wants one. */
export function askedBody(
  endpoint: Endpoint,
  body: WireObject,
  usage: 'estimate' | 'ask',
): WireObject {
  if (usage !== 'ask' || endpoint.kind !== 'llm' || body['stream'] !== true) return body;
  return endpoint.askUsage?.(body) ?? body;
}

/** The requested model; of older paths of Azure, the deployment. */
export function modelIn({ model }: WireObject, path: string): unknown {
  if (typeof model === 'string') return model;
  const [, deployment] = /\/deployments\/([^/]+)\//.exec(path) ?? [];
  return deployment === undefined ? model : decoded(deployment);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
