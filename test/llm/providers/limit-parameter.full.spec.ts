import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CallbacksModule,
  getLlmToken,
  LlmService,
  type LlmOptions,
  type LlmStreamOptions,
} from 'nestjs-llm-callbacks';
import OpenAI, { AzureOpenAI } from 'openai';
import { closeApps, startApp } from '../../support/app.js';
import { FakeFetch } from '../../support/wire/fake-fetch.js';
import { ask, HELLO, METHODS, type Method } from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

type Body = Record<string, unknown>;

const { fetch: realFetch } = globalThis;
const { OPENAI_BASE_URL: realBaseUrl } = process.env;

afterEach(async () => {
  globalThis.fetch = realFetch;
  if (realBaseUrl === undefined) delete process.env['OPENAI_BASE_URL'];
  else process.env['OPENAI_BASE_URL'] = realBaseUrl;
  await closeApps();
});

function answer(fake: FakeFetch, method: Method): void {
  if (method === 'stream') fake.events(openai.stream(HELLO));
  else fake.json(openai.answer(HELLO));
}

/** The request of one call with a limit, and the client that is used. */
async function sent(
  llm: Partial<LlmOptions> | ((fetch: typeof globalThis.fetch) => Partial<LlmOptions>),
  options: LlmStreamOptions = {},
  method: Method = 'generate',
): Promise<Body> {
  const fake = new FakeFetch();
  const own = typeof llm === 'function' ? llm(fake.fetch) : llm;
  globalThis.fetch = fake.fetch;
  const root: LlmOptions = { provider: 'openai', model: 'house-7', apiKey: 'test', ...own };
  const app = await startApp({}, { llm: root });
  answer(fake, method);
  await ask(app.llm, method, 'Hi', { maxOutputTokens: 9, ...options });
  return fake.lastBody;
}

const NEW = { max_completion_tokens: 9 };
const OLD = { max_tokens: 9 };

function limitOf({ max_completion_tokens, max_tokens }: Body): Body {
  return JSON.parse(JSON.stringify({ max_completion_tokens, max_tokens })) as Body;
}

describe('The parameter for the output token limit is chosen', () => {
  it.each([
    ['https://api.openai.com/v1', NEW],
    ['https://eu.api.openai.com/v1/', NEW],
    ['https://API.OpenAI.com/v1', NEW],
    ['https://house.openai.azure.com/openai/v1', NEW],
    ['https://house.cognitiveservices.azure.com/openai/v1', NEW],
    ['https://house.services.ai.azure.com/openai/v1', NEW],
    ['https://api.openai.com.example.org/v1', OLD],
    ['https://example.org/api.openai.com', OLD],
    ['https://openai.azure.com.example.org/v1', OLD],
    ['https://api.deepseek.com', OLD],
    ['http://localhost:11434/v1', OLD],
    ['http://127.0.0.1:8000/v1', OLD],
    ['https://openrouter.ai/api/v1', OLD],
  ])('by the host %s', async (baseURL, limit) => {
    expect(limitOf(await sent({ baseURL }))).toEqual(limit);
    expect(limitOf(await sent({ baseURL, label: 'green' }, {}, 'stream'))).toEqual(limit);
  });

  it.each([
    ['gpt-5', NEW],
    ['gpt-5-mini', NEW],
    ['gpt-5.1-codex', NEW],
    ['openai/gpt-5', NEW],
    ['o1', NEW],
    ['o3-pro', NEW],
    ['openai/o4-mini', NEW],
    ['openai/o3:online', NEW],
    ['ft:o4-mini-2025-04-16:house:green:1', NEW],
    ['GPT-5-Mini', NEW],
    ['gpt-4o', OLD],
    ['gpt-35-turbo', OLD],
    ['gpt-oss-120b', OLD],
    ['olmo-3', OLD],
    ['qwen3-o1', OLD],
    ['o1js-coder', OLD],
  ])('by the model %s of the call, on a compatible server', async (model, limit) => {
    const baseURL = 'http://127.0.0.1:8000/v1';
    expect(limitOf(await sent({ baseURL, label: 'azure' }, { model }))).toEqual(limit);
    expect(limitOf(await sent({ baseURL, model }, {}, 'stream'))).toEqual(limit);
  });

  it('by the host of a ready client, whatever llm.baseURL says', async () => {
    const baseURL = 'http://127.0.0.1:8000/v1';
    const official = (fetch: typeof globalThis.fetch) => ({
      baseURL,
      client: new OpenAI({ apiKey: 'test', fetch, baseURL: 'https://api.openai.com/v1' }),
    });
    const compatible = (fetch: typeof globalThis.fetch) => ({
      client: new OpenAI({ apiKey: 'test', fetch, baseURL }),
    });
    expect(limitOf(await sent(official))).toEqual(NEW);
    expect(limitOf(await sent(compatible))).toEqual(OLD);
  });

  it('by the class AzureOpenAI, also behind a gateway with any host', async () => {
    const azure = (fetch: typeof globalThis.fetch) => ({
      client: new AzureOpenAI({
        apiKey: 'test',
        apiVersion: '2024-10-21',
        endpoint: 'https://gateway.example.org',
        fetch,
      }),
    });
    expect(limitOf(await sent(azure))).toEqual(NEW);
  });

  it("by the SDK's environment variable, and as OpenAI's if no host is set", async () => {
    delete process.env['OPENAI_BASE_URL'];
    expect(limitOf(await sent({}))).toEqual(NEW);
    process.env['OPENAI_BASE_URL'] = 'http://127.0.0.1:8000/v1';
    expect(limitOf(await sent({}))).toEqual(OLD);
    expect(limitOf(await sent({ baseURL: 'https://api.openai.com/v1' }))).toEqual(NEW);
  });

  it('by limitParameter before anything else', async () => {
    const compatible = { baseURL: 'http://127.0.0.1:8000/v1' };
    const official = { baseURL: 'https://api.openai.com/v1', model: 'gpt-5-mini' };
    expect(limitOf(await sent({ ...compatible, limitParameter: 'max_completion_tokens' }))).toEqual(
      NEW,
    );
    expect(limitOf(await sent({ ...official, limitParameter: 'max_tokens' }))).toEqual(OLD);
  });

  it.each(METHODS)('once only, if providerOptions use the other name, by %s', async (method) => {
    const baseURL = 'https://api.openai.com/v1';
    const older = { providerOptions: { max_tokens: 5 } };
    const newer = { providerOptions: { max_completion_tokens: 5 } };
    expect(limitOf(await sent({ baseURL }, older, method))).toEqual({ max_tokens: 5 });
    expect(limitOf(await sent({ baseURL: 'http://127.0.0.1:8000/v1' }, newer, method))).toEqual({
      max_completion_tokens: 5,
    });
  });
});

describe('The option limitParameter', () => {
  it.each([
    [{ limitParameter: 'max_output_tokens' as never }, "'max_completion_tokens' or 'max_tokens'"],
    [
      { provider: 'anthropic' as const, limitParameter: 'max_tokens' as const },
      "an option of provider 'openai'",
    ],
  ])('is validated at start-up: %j', async (llm, message) => {
    const root: LlmOptions = { provider: 'openai', model: 'm', apiKey: 'test', ...llm };
    await expect(startApp({}, { llm: root })).rejects.toMatchObject({
      name: 'CallbacksConfigurationError',
      message: expect.stringContaining(message),
    });
  });

  it('is inherited by a feature on the same server, and not by one on another server', async () => {
    const fake = new FakeFetch();
    globalThis.fetch = fake.fetch;
    const llm: LlmOptions = {
      provider: 'openai',
      model: 'house-7',
      apiKey: 'test',
      baseURL: 'http://127.0.0.1:8000/v1',
      limitParameter: 'max_completion_tokens',
    };
    const other = { baseURL: 'http://127.0.0.1:8001/v1', apiKey: 'test' };
    const imports = [
      CallbacksModule.forFeature({ name: 'same', llm: { model: 'house-8' } }),
      CallbacksModule.forFeature({ name: 'other', llm: other }),
    ];
    const { module } = await startApp({ imports }, { llm });
    for (const [name, limit] of [
      ['same', NEW],
      ['other', OLD],
    ] as const) {
      answer(fake, 'generate');
      const service = module.get<LlmService>(getLlmToken(name), { strict: false });
      await service.generate('Hi', { maxOutputTokens: 9 });
      expect(limitOf(fake.lastBody)).toEqual(limit);
    }
  });
});
