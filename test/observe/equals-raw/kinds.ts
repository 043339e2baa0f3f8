import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import Anthropic from '@anthropic-ai/sdk';
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';
import OpenAI, { AzureOpenAI } from 'openai';
import type { Api } from '../../support/histories/captured-wire.js';
import { bedrock, type CloudWire, vertex } from '../../support/wire/clouds.js';
import { newAnthropic, newOpenAi } from '../../support/wire/sdk-clients.js';
import type { Random } from '../../support/wire/random.js';
import {
  randomChatBody,
  randomEmbeddingsBody,
  randomMessagesBody,
  randomResponsesBody,
} from './random-bodies.js';

/** The part of a client that sends requests of one kind, as far as its class has it. */
export interface Resource {
  create(body: object, options?: object): SdkPromise;
  parse?(body: object, options?: object): Promise<unknown>;
  stream?(body: object, options?: object): unknown;
}

/** The promise that the methods of the SDKs return. */
export interface SdkPromise extends Promise<unknown> {
  withResponse(): Promise<{ data: unknown; response: Response }>;
  asResponse(): Promise<Response>;
}

/** A client, and a kind of requests that it sends. */
export interface ClientKind {
  readonly name: string;
  /** The format of answers. */
  readonly api: Api | 'embeddings';
  /** The classes on whose prototypes the delay of a retry is decided. */
  readonly prototype: object;
  newClient(origin: string, options?: object): OpenAI | Anthropic;
  resource(client: object): Resource;
  /** The cloud that the client calls, if its answers have another framing, or its requests another form. */
  readonly cloud?: CloudWire;
  randomBody(random: Random): Record<string, unknown>;
}

const openai = { prototype: OpenAI.prototype, newClient: newOpenAi };
const anthropic = { prototype: Anthropic.prototype, newClient: newAnthropic };
const chatOf = (client: object) => (client as OpenAI).chat.completions as unknown as Resource;

function ofCloud(cloud: CloudWire, name: string, prototype: object): ClientKind {
  return {
    name,
    api: 'anthropic',
    prototype,
    cloud,
    newClient: cloud.newClient,
    resource: (client) => (client as Anthropic).messages,
    randomBody: (random) => ({ ...randomMessagesBody(random), model: cloud.model }),
  };
}

export const CLIENT_KINDS: readonly ClientKind[] = [
  {
    ...openai,
    name: 'OpenAI, chat completions',
    api: 'chat',
    resource: chatOf,
    randomBody: randomChatBody,
  },
  {
    ...openai,
    name: 'OpenAI, Responses',
    api: 'responses',
    resource: (client) => (client as OpenAI).responses,
    randomBody: randomResponsesBody,
  },
  {
    ...openai,
    name: 'AzureOpenAI, chat completions',
    api: 'chat',
    newClient: (endpoint, options) =>
      new AzureOpenAI({ endpoint, apiKey: 'none', apiVersion: '2025-01-01', ...options }),
    resource: chatOf,
    randomBody: randomChatBody,
  },
  {
    ...anthropic,
    name: 'Anthropic, messages',
    api: 'anthropic',
    resource: (client) => (client as Anthropic).messages,
    randomBody: randomMessagesBody,
  },
  {
    ...anthropic,
    name: 'Anthropic, beta messages',
    api: 'anthropic',
    resource: (client) => (client as Anthropic).beta.messages,
    randomBody: (random) => ({
      ...randomMessagesBody(random),
      ...(random.chance(0.5) && { betas: ['files-api-2025-04-14'] }),
    }),
  },
  ofCloud(bedrock, 'AnthropicBedrock', AnthropicBedrock.prototype),
  ofCloud(vertex, 'AnthropicVertex', AnthropicVertex.prototype),
  {
    ...openai,
    name: 'OpenAI, embeddings',
    api: 'embeddings',
    resource: (client) => (client as OpenAI).embeddings,
    randomBody: randomEmbeddingsBody,
  },
];
