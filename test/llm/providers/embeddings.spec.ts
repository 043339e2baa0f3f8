import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI, { AzureOpenAI } from 'openai';
import {
  CallbacksConfigurationError,
  LlmAbortedError,
  LlmAuthenticationError,
  LlmConnectionError,
  LlmContextLengthError,
  LlmModelNotFoundError,
  type LlmOptions,
  LlmRateLimitError,
  LlmResponseError,
} from 'nestjs-llm-callbacks';
import { forbidRealLlm, RealLlmCallError, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../../support/app.js';
import { hangUp, json, text } from '../../support/wire/index.js';
import { WireServer } from '../../support/wire/server.js';

let server: WireServer;
beforeEach(async () => {
  server = await WireServer.listen();
});
afterEach(async () => {
  await closeApps();
  await server.close();
});

const MODEL = 'text-embedding-3-small';

async function start(options: Partial<LlmOptions> = {}) {
  const recording = new RecordingCallbacks();
  const app = await startApp(
    {},
    {
      llm: {
        provider: 'openai',
        model: 'gpt-5-mini',
        embeddingModel: MODEL,
        apiKey: 'key',
        baseURL: `${server.origin}/v1`,
        label: 'openai',
        maxRetries: 0,
        ...options,
      },
      callbacks: [recording],
    },
  );
  return { ...app, recording };
}

const base64 = (...numbers: number[]) =>
  Buffer.from(new Float32Array(numbers).buffer).toString('base64');

function answer(embeddings: unknown[], rest: object = {}) {
  return json({
    object: 'list',
    data: embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    model: MODEL,
    usage: { prompt_tokens: 8, total_tokens: 8 },
    ...rest,
  });
}

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error as Error,
  );

describe('An OpenAI client embeds texts', () => {
  it.each(['chat', 'responses'] as const)(
    'with the api %s, on the path of the SDK',
    async (api) => {
      const { llm, recording } = await start({ api });
      server.answers(answer([base64(0.5, -1), base64(2, 0.25)]));
      const response = await llm.embed(['a', 'b'], {
        dimensions: 2,
        providerOptions: { user: 'ada' },
      });
      expect(response).toMatchObject({
        embeddings: [
          [0.5, -1],
          [2, 0.25],
        ],
        model: MODEL,
        provider: 'openai',
        dimensions: 2,
        usage: { inputTokens: 8, outputTokens: 0, totalTokens: 8, source: 'provider' },
        attempts: [{ provider: 'openai', model: MODEL }],
      });
      expect(response.cost).toBeCloseTo(8 * 0.02e-6, 12);
      const [{ path, body, headers } = server.exchanges[0]!] = server.exchanges;
      expect(path).toBe('/v1/embeddings');
      expect(headers.authorization).toBe('Bearer key');
      expect(body).toEqual({
        model: MODEL,
        input: ['a', 'b'],
        dimensions: 2,
        encoding_format: 'base64',
        user: 'ada',
      });
      expect(recording.of('embedding.end')[0]).toMatchObject({ provider: 'openai', tokenCount: 8 });
    },
  );

  it('from a server that answers with numbers, whatever format was requested', async () => {
    const { llm } = await start();
    server.answers(answer([[0.1, 0.2]]), answer([[0.1, 0.2]]));
    expect((await llm.embed('a')).embeddings).toEqual([[0.1, 0.2]]);
    const { embeddings } = await llm.embed('a', { providerOptions: { encoding_format: 'float' } });
    expect(embeddings).toEqual([[0.1, 0.2]]);
    expect(server.exchanges[1]!.body).toMatchObject({ encoding_format: 'float' });
  });

  it('in the order of the index', async () => {
    const { llm } = await start();
    server.answers(
      answer([], {
        data: [
          { index: 2, embedding: [3] },
          { index: 0, embedding: [1] },
          { index: 1, embedding: [2] },
        ],
      }),
    );
    expect((await llm.embed(['a', 'b', 'c'])).embeddings).toEqual([[1], [2], [3]]);
  });

  it('from a server that sends no index, no model and no usage', async () => {
    const { llm } = await start();
    server.answers(json({ data: [{ embedding: [1] }, { embedding: [2] }] }));
    expect(await llm.embed(['printer', 'x'])).toMatchObject({
      embeddings: [[1], [2]],
      model: MODEL,
      usage: { inputTokens: 3, source: 'estimated' },
    });
  });

  it.each([
    ['zeros', { prompt_tokens: 0, total_tokens: 0 }, { inputTokens: 2, source: 'estimated' }],
    ['nonsense', { prompt_tokens: -5 }, { inputTokens: 2, source: 'estimated' }],
    ['only a total', { total_tokens: 9 }, { inputTokens: 9, source: 'provider' }],
    ['input_tokens', { input_tokens: 6 }, { inputTokens: 6, source: 'provider' }],
  ])('and reads a usage of %s', async (_what, usage, expected) => {
    const { llm } = await start();
    server.answers(answer([[1]], { usage }));
    expect((await llm.embed('printer')).usage).toMatchObject({ ...expected, outputTokens: 0 });
  });

  it('again after a failure, as the SDK retries, and lists both attempts', async () => {
    const { llm, recording } = await start({ maxRetries: 1 });
    server.answers(
      json({ error: { message: 'busy' } }, 503, { 'retry-after-ms': '1' }),
      answer([[1]]),
    );
    const { attempts } = await llm.embed('a');
    expect(attempts.map(({ error }) => error?.name)).toEqual(['LlmOverloadedError', undefined]);
    expect(recording.events.map(({ type }) => type)).toEqual(['embedding.start', 'embedding.end']);
  });

  it('with the key, server and model that llm.resolve returns', async () => {
    const asked: unknown[] = [];
    const { llm, recording } = await start({
      apiKey: 'root',
      resolve: ({ tenantId }, call) => {
        asked.push([tenantId, call]);
        return { apiKey: `key of ${tenantId}`, model: 'own' };
      },
    });
    server.answers(answer([[1]]));
    await llm.embed('a', { tenantId: 'acme' });
    expect(asked).toEqual([['acme', { model: MODEL }]]);
    expect(server.exchanges[0]!.headers.authorization).toBe('Bearer key of acme');
    expect(server.exchanges[0]!.body).toMatchObject({ model: 'own' });
    expect(recording.of('embedding.start')[0]).toMatchObject({ model: 'own', tenantId: 'acme' });
  });

  it('with an error of llm.resolve as it is, after the start event', async () => {
    const failure = new Error('no tenant');
    const { llm, recording } = await start({ resolve: () => Promise.reject(failure) });
    expect(await errorOf(llm.embed('a'))).toBe(failure);
    expect(recording.events.map(({ type }) => type)).toEqual([
      'embedding.start',
      'embedding.error',
    ]);
    expect(server.exchanges).toEqual([]);
  });

  it('with a key of a function, whose error is that of the call', async () => {
    const failure = new Error('vault');
    const keys = ['one', failure];
    const { llm } = await start({
      apiKey: () => {
        const key = keys.shift()!;
        if (key instanceof Error) throw key;
        return key;
      },
    });
    server.answers(answer([[1]]));
    await llm.embed('a');
    expect(server.exchanges[0]!.headers.authorization).toBe('Bearer one');
    expect(await errorOf(llm.embed('a'))).toBe(failure);
  });

  it('with a ready client of the SDK, of Azure too', async () => {
    const client = new OpenAI({ apiKey: 'own', baseURL: `${server.origin}/own`, maxRetries: 0 });
    const { llm } = await start({ client });
    const azure = await start({
      client: new AzureOpenAI({
        apiKey: 'azure',
        endpoint: server.origin,
        apiVersion: '2024-10-21',
        maxRetries: 0,
      }),
    });
    server.answers(answer([[1]]), answer([[2]]));
    await llm.embed('a');
    expect((await azure.llm.embed('a')).embeddings).toEqual([[2]]);
    expect(server.exchanges.map(({ path }) => path)).toEqual([
      '/own/embeddings',
      `/openai/deployments/${MODEL}/embeddings?api-version=2024-10-21`,
    ]);
  });

  it('with a mocked client, if that has the method', async () => {
    const create = async () => ({ data: [{ index: 0, embedding: [1, 2] }] });
    const chat = { completions: { create: () => undefined } };
    const { llm } = await start({ client: { chat, embeddings: { create } } });
    expect((await llm.embed('a')).embeddings).toEqual([[1, 2]]);

    const { llm: without } = await start({ client: { chat } });
    const error = await errorOf(without.embed('a'));
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect(error!.message).toContain('embeddings.create()');
  });
});

describe('A hostile answer with embeddings is an LlmResponseError', () => {
  const item = (index: unknown, embedding: unknown = [1]) => ({ index, embedding });
  const broken = Buffer.from([1, 2, 3]).toString('base64');

  it.each([
    ['no data', { data: undefined }, 'without embeddings'],
    ['data that is no list', { data: { 0: [1] } }, 'without embeddings'],
    ['too few embeddings', { data: [item(0)] }, '1 embeddings instead of 2'],
    ['too many', { data: [item(0), item(1), item(2)] }, '3 embeddings instead of 2'],
    ['an index twice', { data: [item(0), item(0)] }, 'whose index'],
    ['an index beyond the texts', { data: [item(0), item(2)] }, 'whose index'],
    ['a negative index', { data: [item(0), item(-1)] }, 'whose index'],
    ['an index that is a text', { data: [item(0), item('1')] }, 'whose index'],
    ['an entry that is null', { data: [item(0), null] }, 'that is missing'],
    ['an embedding that is null', { data: [item(0), item(1, null)] }, 'that is missing'],
    ['bytes that are no numbers', { data: [item(0), item(1, broken)] }, 'not base64'],
    ['an empty text', { data: [item(0, ''), item(1, '')] }, 'without numbers'],
    ['NaN', { data: [item(0), item(1, base64(Number.NaN))] }, 'no finite number'],
    ['null in a vector', { data: [item(0), item(1, [null])] }, 'no finite number'],
    ['other lengths', { data: [item(0), item(1, [1, 2])] }, 'different lengths'],
  ])('if it has %s', async (_what, rest, message) => {
    const { llm, recording } = await start();
    server.answers(answer([], rest));
    const error = await errorOf(llm.embed(['a', 'b']));
    expect(error).toBeInstanceOf(LlmResponseError);
    expect(error!.message).toContain(message);
    expect(recording.of('embedding.error')).toHaveLength(1);
  });

  it('if its vectors have other dimensions than requested', async () => {
    const { llm, recording } = await start();
    server.answers(answer([[1, 2, 3]]));
    const error = await errorOf(llm.embed('a', { dimensions: 2 }));
    expect(error).toBeInstanceOf(LlmResponseError);
    expect(error!.message).toContain('3 numbers instead of 2');
    // The tokens are billed.
    const [failed] = recording.of('embedding.error');
    expect(failed!.usage).toMatchObject({ inputTokens: 8, source: 'provider' });
    expect(failed!.cost).toBeGreaterThan(0);
  });

  it('if it is no JSON', async () => {
    const { llm } = await start();
    server.answers(text('<html>', 'text/html'));
    expect(await errorOf(llm.embed('a'))).toBeInstanceOf(LlmResponseError);
  });
});

describe('A failed request for embeddings is mapped as a chat is', () => {
  it.each([
    ['a wrong key', 401, { message: 'no' }, LlmAuthenticationError],
    ['a rate limit', 429, { message: 'slow down' }, LlmRateLimitError],
    [
      'an unknown model',
      404,
      { message: 'The model `x` does not exist', code: 'model_not_found' },
      LlmModelNotFoundError,
    ],
    [
      'a text that is too long',
      400,
      {
        message:
          "This model's maximum context length is 8192 tokens, however you requested 9000 tokens.",
      },
      LlmContextLengthError,
    ],
  ])('%s', async (_what, status, error, expected) => {
    const { llm } = await start();
    server.answers(json({ error }, status));
    const failed = await errorOf(llm.embed('a'));
    expect(failed).toBeInstanceOf(expected);
    expect(failed).toMatchObject({ status });
  });

  it('an error in an answer of status 200', async () => {
    const { llm } = await start();
    server.answers(json({ error: { message: 'slow down', code: 'rate_limit_exceeded' } }));
    expect(await errorOf(llm.embed('a'))).toBeInstanceOf(LlmRateLimitError);
  });

  it('a call of a real server in a test that forbids it', async () => {
    const allow = forbidRealLlm();
    try {
      const { llm } = await start({ baseURL: 'https://llm.invalid/v1' });
      expect(await errorOf(llm.embed('a'))).toBeInstanceOf(RealLlmCallError);
    } finally {
      allow();
    }
  });

  it('a lost connection', async () => {
    const { llm } = await start();
    server.answers(hangUp);
    expect(await errorOf(llm.embed('a'))).toBeInstanceOf(LlmConnectionError);
  });

  it('an abort, which closes the connection', async () => {
    const { llm } = await start();
    server.answers(() => undefined);
    const stop = new AbortController();
    const call = errorOf(llm.embed('a', { signal: stop.signal }));
    const { aborted } = await server.exchange(0);
    stop.abort();
    expect(await call).toBeInstanceOf(LlmAbortedError);
    expect(await aborted).toBe(true);
  });
});
