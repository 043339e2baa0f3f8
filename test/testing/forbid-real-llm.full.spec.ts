import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { APP_FILTER } from '@nestjs/core';
import { Controller, Get } from '@nestjs/common';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import Anthropic from '@anthropic-ai/sdk';
import { Test } from '@nestjs/testing';
import OpenAI from 'openai';
import {
  AgentService,
  CallbacksExceptionFilter,
  CallbacksModule,
  CostTracker,
  FallbackInterceptor,
  getLlmToken,
  LlmService,
  RetryInterceptor,
  type LlmOptions,
} from 'nestjs-llm-callbacks';
import {
  FakeLlm,
  forbidRealLlm,
  overrideLlm,
  RealLlmCallError,
  RecordingCallbacks,
} from 'nestjs-llm-callbacks/testing';
import { closeApps, willClose } from '../support/app.js';
import { testLogger } from '../support/logs.js';
import { ask, events, HELLO, json, METHODS, useBench, WIRES } from '../support/wire/index.js';
import { mockClient, plain } from '../support/wire/sdk-mocks.js';

const undos: (() => void)[] = [];
const forbid = () => void undos.push(forbidRealLlm());
/** Requests that would leave this machine. */
let sent: jest.SpiedFunction<typeof fetch>;

beforeEach(() => {
  sent = jest.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('sent'));
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const undo of undos.splice(0)) undo();
  await closeApps();
});

const REAL: LlmOptions = { provider: 'openai', model: 'gpt-5-mini', apiKey: 'k', maxRetries: 0 };

async function start(llm: LlmOptions, callbacks: object[] = [], support: Partial<LlmOptions> = {}) {
  const recording = new RecordingCallbacks();
  const builder = Test.createTestingModule({
    imports: [
      CallbacksModule.forRoot({ llm, callbacks: [recording, ...callbacks] }),
      CallbacksModule.forFeature({ name: 'support', llm: support }),
    ],
    providers: [CostTracker],
  }).setLogger(testLogger);
  const app = await builder.compile();
  await willClose(app).init();
  const { totalCost } = app.get(CostTracker);
  return { app, recording, totalCost, llm: app.get(LlmService) };
}

const errorOf = (calling: Promise<unknown>) =>
  calling.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('forbidRealLlm', () => {
  it.each(METHODS)('rejects a call to a real model and names its client, by %s', async (method) => {
    forbid();
    const { app, recording } = await start(REAL);
    const llm: LlmService = app.get(getLlmToken('support'), { strict: false });

    const error = await errorOf(ask(llm, method));
    expect(error).toBeInstanceOf(RealLlmCallError);
    expect(error).toMatchObject({
      code: 'real_llm_call',
      name: 'RealLlmCallError',
      retryable: false,
      message: expect.stringMatching(
        /^The client "support" was about to ask a real model \(openai\).*overrideLlm\(builder, new FakeLlm\(\[…\]\), 'support'\)/,
      ),
    });
    expect(recording.events.map(({ type }) => type)).toEqual(['llm.start', 'llm.error']);
    expect(recording.of('llm.error')[0]).toMatchObject({ error, attempts: [], cost: 0 });
    expect(sent).not.toHaveBeenCalled();
  });

  it.each<[string, () => LlmOptions]>([
    ['Anthropic', () => ({ provider: 'anthropic', model: 'm', apiKey: 'k' })],
    ['any other server', () => ({ ...REAL, baseURL: 'https://llm.example.com/v1' })],
    [
      'a server whose name only begins like this machine',
      () => ({ ...REAL, baseURL: 'http://localhost.example.com' }),
    ],
    ['an address of another machine', () => ({ ...REAL, baseURL: 'http://10.0.0.1:8000/v1' })],
    ['a ready client', () => ({ ...REAL, client: new OpenAI({ apiKey: 'k' }) })],
    ['a wrapped one', () => ({ ...REAL, client: new Proxy(new OpenAI({ apiKey: 'k' }), {}) })],
    ['the Responses API', () => ({ ...REAL, api: 'responses' })],
    [
      'Bedrock',
      () => ({
        provider: 'anthropic',
        model: 'm',
        client: new AnthropicBedrock({
          awsRegion: 'us-east-1',
          awsAccessKey: 'a',
          awsSecretKey: 's',
        }),
      }),
    ],
  ])('rejects %s', async (_what, options) => {
    forbid();
    const { llm } = await start(options());
    expect(await errorOf(llm.generate('hi'))).toBeInstanceOf(RealLlmCallError);
    expect(sent).not.toHaveBeenCalled();
  });

  it('is not bypassed by retries, fallbacks or agents, and costs nothing', async () => {
    forbid();
    const fake = new FakeLlm(['hello']);
    const callbacks = [new FallbackInterceptor({ clients: ['support'] }), new RetryInterceptor()];
    const { app, recording, totalCost } = await start(REAL, callbacks, {
      provider: fake,
      model: 'm',
    });
    const inner = app.get(AgentService).create({ name: 'inner' });
    const outer = app
      .get(AgentService)
      .create({ tools: [inner.asTool({ description: 'Helps.' })] });

    expect(await errorOf(outer.run('Do it.'))).toBeInstanceOf(RealLlmCallError);
    expect(recording.of('llm.retry')).toEqual([]);
    expect([fake.requests, totalCost]).toEqual([[], 0]);
  });

  it('ends an agent whose tool calls a real model', async () => {
    forbid();
    const { app } = await start(
      {
        provider: new FakeLlm([{ toolCalls: [{ name: 'inner', args: { goal: 'g' } }] }, 'on']),
        model: 'm',
      },
      [],
      REAL,
    );
    const support: LlmService = app.get(getLlmToken('support'), { strict: false });
    const parameters = { type: 'object', properties: { goal: { type: 'string' } } };
    const inner = {
      name: 'inner',
      description: 'Helps.',
      parameters,
      execute: async () => (await support.generate('hi')).text,
    };
    const running = app
      .get(AgentService)
      .create({ tools: [inner] })
      .run('Do it.');
    expect(await errorOf(running)).toBeInstanceOf(RealLlmCallError);
  });

  it('allows fakes, overrides, own providers and mocked clients', async () => {
    forbid();
    const [openai] = WIRES;
    const create = jest.fn(async () => plain(openai!, 'generate'));
    const builder = Test.createTestingModule({ imports: [CallbacksModule.forRoot({ llm: REAL })] });
    const overridden = await overrideLlm(builder, new FakeLlm(['over'])).compile();
    await willClose(overridden).init();
    const fake = await start({ provider: new FakeLlm(['hello']), model: 'm' });
    const mocked = await start({ ...REAL, client: mockClient(openai!, create) });

    expect((await overridden.get(LlmService).generate('hi')).text).toBe('over');
    expect((await fake.llm.generate('hi')).text).toBe('hello');
    expect((await mocked.llm.generate('hi')).text).toBe(HELLO.text);
  });

  it('nests, and allows calls again after each was undone; repeated undos have no effect', async () => {
    const { llm } = await start(REAL);
    const [outer, inner] = [forbidRealLlm(), forbidRealLlm()];
    undos.push(outer, inner);

    inner();
    inner();
    expect(await errorOf(llm.generate('hi'))).toBeInstanceOf(RealLlmCallError);
    outer();
    expect(await errorOf(llm.generate('hi'))).not.toBeInstanceOf(RealLlmCallError);
    expect(sent).toHaveBeenCalledTimes(1);
    forbid();
    outer();
    expect(await errorOf(llm.generate('hi'))).toBeInstanceOf(RealLlmCallError);
  });

  it('is a server error in HTTP, without details', async () => {
    forbid();
    @Controller()
    class Desk {
      constructor(private readonly service: LlmService) {}
      @Get()
      async ask() {
        return (await this.service.generate('hi')).text;
      }
    }
    const module = await Test.createTestingModule({
      imports: [CallbacksModule.forRoot({ llm: REAL })],
      controllers: [Desk],
      providers: [{ provide: APP_FILTER, useClass: CallbacksExceptionFilter }],
    }).compile();
    const app = willClose(module.createNestApplication({ logger: false }));
    await app.listen(0, '127.0.0.1');
    sent.mockRestore();

    const response = await fetch(await app.getUrl());
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({
      code: 'real_llm_call',
      message: 'Internal server error',
    });
  });
});

describe.each(WIRES)('forbidRealLlm and a server on this machine, by $name,', (wire) => {
  const bench = useBench(wire);
  beforeEach(() => sent.mockRestore());

  it.each(METHODS)('allows calls, by %s', async (method) => {
    forbid();
    bench.server.answers(
      method === 'generate' ? json(wire.answer(HELLO)) : events(...wire.stream(HELLO)),
    );
    expect((await ask(bench.llm, method)).text).toBe(HELLO.text);
  });

  it.each(['http://localhost:1', 'http://api.localhost:1', 'http://[::1]:1', 'http://127.9.9.9:1'])(
    'treats %s as local',
    async (baseURL) => {
      forbid();
      // No server listens there; only the attempt matters.
      const client =
        wire.provider === 'openai'
          ? new OpenAI({ apiKey: 'k', baseURL, maxRetries: 0 })
          : new Anthropic({ apiKey: 'k', baseURL, maxRetries: 0 });
      jest
        .spyOn(client as unknown as { fetch: typeof fetch }, 'fetch')
        .mockRejectedValue(new Error('tried'));
      const { llm } = await start({ ...wire.client(baseURL), client });
      expect(await errorOf(llm.generate('hi'))).toMatchObject({ code: 'connection' });
    },
  );
});
