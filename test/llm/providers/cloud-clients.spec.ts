import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { LlmOptions } from 'nestjs-llm-callbacks';
import { AzureOpenAI } from 'openai';
import { BedrockOpenAI } from 'openai/bedrock';
import { closeApps, startApp } from '../../support/app.js';
import { anthropic } from '../../support/wire/anthropic.js';
import { FakeFetch } from '../../support/wire/fake-fetch.js';
import { ask, errorOf, HELLO, METHODS, type WireFormat } from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

type Fetch = typeof globalThis.fetch;

interface CloudClient {
  readonly name: string;
  readonly wire: WireFormat;
  readonly make: (fetch: Fetch) => object;
  readonly label: string;
  readonly model: string;
  /** US dollars of 1,000 input and 500 output tokens. */
  readonly cost: number;
  readonly host: string;
  /** The paths of a whole answer and of a stream. */
  readonly path: string;
  readonly streamPath: string;
  /** How a limit of 9 output tokens is sent. */
  readonly limit: object;
}

const CLIENTS: CloudClient[] = [
  {
    name: 'AzureOpenAI',
    wire: openai,
    make: (fetch) =>
      new AzureOpenAI({
        apiKey: 'test',
        apiVersion: '2024-10-21',
        endpoint: 'https://house.openai.azure.com',
        maxRetries: 0,
        fetch,
      }),
    label: 'azure',
    model: 'gpt-4o-mini',
    cost: 0.000_45,
    host: 'house.openai.azure.com',
    path: '/openai/deployments/gpt-4o-mini/chat/completions',
    streamPath: '/openai/deployments/gpt-4o-mini/chat/completions',
    limit: { max_completion_tokens: 9 },
  },
  {
    name: 'BedrockOpenAI',
    wire: openai,
    make: (fetch) =>
      new BedrockOpenAI({ apiKey: 'test', awsRegion: 'us-west-2', maxRetries: 0, fetch }),
    label: 'bedrock',
    model: 'openai.gpt-oss-120b-1:0',
    cost: 0.000_45,
    host: 'bedrock-mantle.us-west-2.api.aws',
    path: '/openai/v1/chat/completions',
    streamPath: '/openai/v1/chat/completions',
    limit: { max_tokens: 9 },
  },
  {
    name: 'AnthropicBedrock',
    wire: anthropic,
    make: (fetch) =>
      new AnthropicBedrock({ skipAuth: true, awsRegion: 'us-west-2', maxRetries: 0, fetch }),
    label: 'bedrock',
    model: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    cost: 0.003_85,
    host: 'bedrock-runtime.us-west-2.amazonaws.com',
    path: '/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke',
    streamPath: '/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/invoke-with-response-stream',
    limit: { max_tokens: 9 },
  },
  {
    name: 'AnthropicVertex',
    wire: anthropic,
    make: (fetch) =>
      new AnthropicVertex({
        region: 'europe-west1',
        projectId: 'house',
        authClient: {
          projectId: 'house',
          getRequestHeaders: async () => new Headers({ authorization: 'Bearer test' }),
        } as never,
        maxRetries: 0,
        fetch,
      }),
    label: 'vertex',
    model: 'claude-haiku-4-5@20251001',
    cost: 0.003_5,
    host: 'europe-west1-aiplatform.googleapis.com',
    path: '/v1/projects/house/locations/europe-west1/publishers/anthropic/models/claude-haiku-4-5@20251001:rawPredict',
    streamPath:
      '/v1/projects/house/locations/europe-west1/publishers/anthropic/models/claude-haiku-4-5@20251001:streamRawPredict',
    limit: { max_tokens: 9 },
  },
];

describe.each(CLIENTS)('A client of the class $name', (cloud) => {
  const { wire, label, model } = cloud;
  afterEach(closeApps);

  async function start() {
    const fake = new FakeFetch();
    const llm: LlmOptions = { provider: wire.provider, model, client: cloud.make(fake.fetch) };
    return { fake, llm: (await startApp({}, { llm })).llm };
  }

  it.each(METHODS)('answers with its label and its price, by %s', async (method) => {
    const { fake, llm } = await start();
    const said = { ...HELLO, model };
    if (method === 'generate') fake.json(wire.answer(said));
    else fake.events(wire.stream(said));
    const response = await ask(llm, method, 'Hi', { maxOutputTokens: 9 });
    expect(response).toMatchObject({
      provider: label,
      model,
      text: 'Hello, world',
      finishReason: 'stop',
      usage: { inputTokens: 1_000, outputTokens: 500, source: 'provider' },
      attempts: [{ provider: label }],
    });
    expect(response.cost).toBeCloseTo(cloud.cost, 9);
    const [{ url, body }] = fake.requests as [(typeof fake.requests)[0]];
    expect(url.host).toBe(cloud.host);
    const path = method === 'generate' ? cloud.path : cloud.streamPath;
    expect(decodeURIComponent(url.pathname)).toBe(path);
    expect(body).toMatchObject(cloud.limit);
    const limits = ['max_tokens', 'max_completion_tokens'];
    expect(Object.keys(body).filter((key) => limits.includes(key))).toHaveLength(1);
  });

  it.each(METHODS)('names its provider in an error, by %s', async (method) => {
    const { fake, llm } = await start();
    fake.json(wire.error({ type: 'rate_limit_error' }), 429);
    const error = await errorOf(ask(llm, method));
    expect(error).toMatchObject({ name: 'LlmRateLimitError', status: 429, retryable: true });
    expect(error.message).toMatch(new RegExp(`^${label} limits the rate of calls`));
  });
});
