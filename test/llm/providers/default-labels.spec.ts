import Anthropic from '@anthropic-ai/sdk';
import { afterEach, describe, expect, it } from '@jest/globals';
import { findProvider } from '@pydantic/genai-prices';
import { CallbacksModule, getLlmToken, LlmService, type LlmOptions } from 'nestjs-llm-callbacks';
import OpenAI, { AzureOpenAI } from 'openai';
import { BedrockOpenAI } from 'openai/bedrock';
import { closeApps, startApp } from '../../support/app.js';
import { anthropic } from '../../support/wire/anthropic.js';
import { FakeFetch } from '../../support/wire/fake-fetch.js';
import { errorOf, HELLO } from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

const { fetch: realFetch } = globalThis;
afterEach(async () => {
  globalThis.fetch = realFetch;
  await closeApps();
});

const OPENAI: LlmOptions = { provider: 'openai', model: 'house-7', apiKey: 'test' };

/** The label of a client's answers and errors, and the cost of one answer. */
async function answered(llm: Partial<LlmOptions>) {
  const fake = new FakeFetch();
  globalThis.fetch = fake.fetch;
  const root: LlmOptions = { ...OPENAI, maxRetries: 0, ...llm };
  const wire = root.provider === 'anthropic' ? anthropic : openai;
  const app = await startApp({}, { llm: root });
  const { client } = root as { client?: { fetch?: unknown } };
  if (client) client.fetch = fake.fetch;
  fake.json(wire.answer({ ...HELLO, model: root.model }));
  const { provider, cost } = await app.llm.generate('Hi');
  fake.json(wire.error({ type: 'server_error' }), 500);
  const { message } = await errorOf(app.llm.generate('Hi'));
  expect(message).toContain(`${provider} failed`);
  return { provider, cost };
}

describe('The default label', () => {
  it.each([
    ['https://api.openai.com/v1', 'openai', 'gpt-4o-mini'],
    ['https://eu.api.openai.com/v1', 'openai', 'gpt-4o-mini'],
    ['https://api.anthropic.com/v1/', 'anthropic', 'claude-haiku-4-5'],
    ['https://house.openai.azure.com/openai/v1', 'azure', 'gpt-5-mini'],
    ['https://house.cognitiveservices.azure.com/openai/v1', 'azure', 'gpt-5-mini'],
    ['https://house.services.ai.azure.com/openai/v1', 'azure', 'gpt-5-mini'],
    [
      'https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1',
      'bedrock',
      'openai.gpt-oss-120b-1:0',
    ],
    ['https://bedrock-mantle.us-east-1.api.aws/v1', 'bedrock', 'openai.gpt-oss-120b-1:0'],
    [
      'https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi',
      'vertex',
      'gemini-2.5-flash',
    ],
    ['https://aiplatform.googleapis.com/v1', 'vertex', 'gemini-2.5-flash'],
    ['https://aiplatform.eu.rep.googleapis.com/v1', 'vertex', 'claude-haiku-4-5'],
    ['https://generativelanguage.googleapis.com/v1beta/openai/', 'google', 'gemini-2.5-flash'],
    ['https://api.groq.com/openai/v1', 'groq', 'llama-3.3-70b-versatile'],
    ['https://api.deepseek.com', 'deepseek', 'deepseek-chat'],
    ['https://api.mistral.ai/v1', 'mistral', 'mistral-small-latest'],
    ['https://openrouter.ai/api/v1', 'openrouter', '01-ai/yi-large'],
    ['https://api.x.ai/v1', 'x-ai', 'grok-2-1212'],
    ['https://api.together.xyz/v1', 'together', 'Gryphe/MythoMax-L2-13b'],
    ['https://api.together.ai/v1', 'together', 'Gryphe/MythoMax-L2-13b'],
    [
      'https://api.fireworks.ai/inference/v1',
      'fireworks',
      'accounts/fireworks/models/deepseek-v3-0324',
    ],
    ['https://api.moonshot.ai/v1', 'moonshotai', 'kimi-k2'],
    ['https://api.moonshot.cn/v1', 'moonshotai', 'kimi-k2'],
    ['https://api.cerebras.ai/v1', 'cerebras', 'gpt-oss-120b'],
    ['https://api.perplexity.ai', 'perplexity', 'sonar'],
    ['https://api.cohere.ai/compatibility/v1', 'cohere', 'command-r'],
    ['https://api.novita.ai/openai/v1', 'novita', 'Sao10K/L3-8B-Stheno-v3.2'],
    ['https://api.z.ai/api/paas/v4/', 'zai', 'GLM-5.2'],
    ['https://open.bigmodel.cn/api/paas/v4/', 'zhipuai', 'glm-4-air'],
    ['https://api.minimax.io/v1', 'minimax', 'MiniMax-M2'],
  ])('of the host %s is %s, under which %s has a price', async (baseURL, label, model) => {
    expect(findProvider({ providerId: label })).toBeDefined();
    const { provider, cost } = await answered({ baseURL, model });
    expect(provider).toBe(label);
    expect(cost).toBeGreaterThan(0);
  });

  it.each([
    'http://127.0.0.1:8000/v1',
    'https://api.groq.com.example.org/v1',
    'https://example.org/?api.groq.com',
    'https://notopenrouter.ai/v1',
  ])('of any other host, as %s, is the name of the provider', async (baseURL) => {
    expect((await answered({ baseURL })).provider).toBe('openai');
  });

  it('of an Anthropic client is derived in the same way', async () => {
    const llm = { provider: 'anthropic', model: 'deepseek-chat' } as const;
    const baseURL = 'https://api.deepseek.com/anthropic';
    expect((await answered({ ...llm, baseURL })).provider).toBe('deepseek');
    const client = new Anthropic({ apiKey: 'test', baseURL, maxRetries: 0 });
    expect((await answered({ ...llm, client })).provider).toBe('deepseek');
    expect((await answered({ provider: 'anthropic' })).provider).toBe('anthropic');
  });

  it('of a ready client is derived from its class before its host, subclasses included', async () => {
    class HouseAzure extends AzureOpenAI {}
    const options = { apiKey: 'test', maxRetries: 0, baseURL: 'http://127.0.0.1:9/v1' };
    const azure = new HouseAzure({ ...options, apiVersion: '2024-10-21' });
    expect((await answered({ client: azure })).provider).toBe('azure');
    const bedrock = new BedrockOpenAI(options);
    expect((await answered({ client: bedrock })).provider).toBe('bedrock');
    const plain = new OpenAI({ ...options, baseURL: 'https://api.groq.com/openai/v1' });
    expect((await answered({ client: plain })).provider).toBe('groq');
  });

  it('is overridden by llm.label', async () => {
    const baseURL = 'https://api.groq.com/openai/v1';
    expect((await answered({ baseURL, label: 'green' })).provider).toBe('green');
  });
});

describe('A feature beside a labelled default client', () => {
  const baseURL = 'https://api.groq.com/openai/v1';
  const client = new OpenAI({ apiKey: 'test', baseURL });

  it.each<[string, Partial<LlmOptions>, string]>([
    ['on the same server', { model: 'house-8' }, 'green'],
    ['with a key of its own', { apiKey: 'other' }, 'green'],
    ['with a label of its own', { label: 'blue' }, 'blue'],
    ['on another server', { baseURL, apiKey: 'test' }, 'groq'],
    ['on an unknown server', { baseURL: 'http://127.0.0.1:9/v1', apiKey: 'test' }, 'openai'],
    ['with a ready client', { client }, 'groq'],
    ['of another provider', { provider: 'anthropic', model: 'm', apiKey: 'test' }, 'anthropic'],
  ])('%s has its own label', async (_what, own, label) => {
    const imports = [CallbacksModule.forFeature({ name: 'other', llm: own })];
    const llm = { ...OPENAI, baseURL: 'http://127.0.0.1:8/v1', label: 'green', maxRetries: 0 };
    const { module } = await startApp({ imports }, { llm });
    const fake = new FakeFetch();
    globalThis.fetch = fake.fetch;
    if ('client' in own) Object.assign(client, { fetch: fake.fetch });
    const isAnthropic = own.provider === 'anthropic';
    fake.json((isAnthropic ? anthropic : openai).answer(HELLO));
    const service = module.get<LlmService>(getLlmToken('other'), { strict: false });
    expect((await service.generate('Hi')).provider).toBe(label);
  });
});
