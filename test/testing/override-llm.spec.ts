import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import {
  AgentService,
  BudgetExceededError,
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksModule,
  CostLimiter,
  FallbackInterceptor,
  getAgentToken,
  getLlmToken,
  InterceptLlm,
  LlmRateLimitError,
  LlmService,
  NO_USAGE,
  OnLlmStart,
  RetryInterceptor,
  type InterceptedLlmCall,
  type LlmNext,
  type LlmProvider,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import { FakeLlm, overrideLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, willClose } from '../support/app.js';
import { logs, testLogger } from '../support/logs.js';

const KEYS = ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'];
let environment: NodeJS.ProcessEnv;
beforeEach(() => {
  environment = { ...process.env };
  for (const key of KEYS) delete process.env[key];
});
afterEach(async () => {
  process.env = environment;
  await closeApps();
});

const usage = { ...NO_USAGE, inputTokens: 1_000, outputTokens: 100, totalTokens: 1_100 };
const answers = (text: string) => new FakeLlm(() => ({ text, usage }));
const DEFAULT = { provider: 'openai', model: 'gpt-5-mini' } as const;
const SUPPORT = { provider: 'anthropic', model: 'claude-haiku-4-5' } as const;

/** The modules of an application without any key, created by `forRoot` and `forFeature`. */
function builderOf(callbacks: object[] = [], imports: object[] = []): TestingModuleBuilder {
  return Test.createTestingModule({
    imports: [
      CallbacksModule.forRoot({ llm: DEFAULT, callbacks, agent: { persona: 'A clerk.' } }),
      CallbacksModule.forFeature({ name: 'support', llm: SUPPORT }),
      ...(imports as []),
    ],
  }).setLogger(testLogger);
}

async function start(builder: TestingModuleBuilder) {
  const app = await builder.compile();
  await app.init();
  willClose(app);
  const llm = (name?: string): LlmService => app.get(getLlmToken(name), { strict: false });
  return { app, llm };
}

describe('overrideLlm', () => {
  it('needs neither a key nor a change of the application', async () => {
    const fake = answers('hello');
    const builder = builderOf();
    expect(overrideLlm(builder, fake)).toBe(builder);
    const { llm } = await start(builder);

    expect((await llm().generate('a')).text).toBe('hello');
    expect((await llm('support').stream('b').response).text).toBe('hello');
    expect(fake.requests.map(({ model }) => model)).toEqual(['gpt-5-mini', 'claude-haiku-4-5']);
  });

  it('keeps provider, label and model on events, and so the cost', async () => {
    const recording = new RecordingCallbacks();
    const labelled = CallbacksModule.forFeature({
      name: 'cheap',
      llm: { provider: 'openai', model: 'deepseek-chat', baseURL: 'https://api.deepseek.com' },
    });
    const { llm } = await start(overrideLlm(builderOf([recording], [labelled]), answers('hi')));
    for (const name of ['default', 'support', 'cheap']) await llm(name).generate('hi');

    const ends = recording
      .of('llm.end')
      .map(({ provider, model, cost }) => [provider, model, cost]);
    expect(ends).toEqual([
      ['openai', 'gpt-5-mini', expect.closeTo((1_000 * 0.25 + 100 * 2) / 1e6, 9)],
      ['anthropic', 'claude-haiku-4-5', expect.closeTo((1_000 * 1 + 100 * 5) / 1e6, 9)],
      ['deepseek', 'deepseek-chat', expect.any(Number)],
    ]);
  });

  it('replaces one client by its name, in any order; the last of several overrides applies', async () => {
    const builder = builderOf();
    overrideLlm(builder, answers('support, first'), 'support');
    overrideLlm(builder, answers('support'), 'support');
    overrideLlm(builder, answers('all'));
    const { llm } = await start(builder);

    expect((await llm().generate('a')).text).toBe('all');
    expect((await llm('support').generate('b')).text).toBe('support');
  });

  it("replaces only the client of forRoot by 'default'", async () => {
    const builder = overrideLlm(builderOf(), answers('root'), 'default');
    // The other one has no key.
    await expect(start(builder)).rejects.toThrow('"anthropic" has no API key');
    process.env['ANTHROPIC_API_KEY'] = 'a key';
    const { llm } = await start(overrideLlm(builderOf(), answers('root'), 'default'));
    expect((await llm().generate('a')).text).toBe('root');
  });

  it('works with options created by other providers', async () => {
    const builder = Test.createTestingModule({
      imports: [
        CallbacksModule.forRootAsync({ useFactory: () => ({ llm: DEFAULT }) }),
        CallbacksModule.forFeatureAsync({
          name: 'support',
          useFactory: () => Promise.resolve({ llm: SUPPORT }),
        }),
      ],
    });
    overrideLlm(builder, answers('all'));
    const { llm } = await start(overrideLlm(builder, answers('support'), 'support'));

    expect((await llm().generate('a')).text).toBe('all');
    expect((await llm('support').generate('b')).text).toBe('support');
  });

  it.each([undefined, 'late'])('works for a lazily loaded feature, by name %s', async (name) => {
    @Module({ imports: [CallbacksModule.forFeature({ name: 'late', llm: SUPPORT })] })
    class LateModule {}
    const builder = overrideLlm(builderOf(), answers('all'));
    const { app } = await start(overrideLlm(builder, answers('late'), name));

    const loaded = await app.get(LazyModuleLoader).load(() => LateModule);
    const llm: LlmService = loaded.get(getLlmToken('late'), { strict: false });
    expect((await llm.generate('a')).text).toBe('late');
  });

  it('does not affect another application of the process', async () => {
    const one = await start(overrideLlm(builderOf(), answers('one')));
    const two = await start(overrideLlm(builderOf(), answers('two')));
    expect((await one.llm().generate('a')).text).toBe('one');
    expect((await two.llm().generate('a')).text).toBe('two');
    await expect(start(builderOf())).rejects.toThrow('has no API key');
  });

  it('prepares the provider when the application starts', async () => {
    const prepared: string[] = [];
    const provider: LlmProvider = Object.assign(answers('hi'), {
      prepare: () => void prepared.push('now'),
    });
    await start(overrideLlm(builderOf(), provider, undefined));
    expect(prepared).toEqual(['now', 'now']);
  });
});

describe('With an overridden client,', () => {
  it('handlers can reject calls, and limits count their cost', async () => {
    @Injectable()
    class Gate {
      @OnLlmStart({ critical: true })
      gate({ prompt }: LlmStartEvent) {
        if (prompt.includes('secret')) throw new CallbackAbort('Not that.');
      }
    }
    const fake = answers('hello');
    const limiter = new CostLimiter({ maxCost: 0.001 });
    const { llm } = await start(overrideLlm(builderOf([new Gate(), limiter]), fake));

    await expect(llm().generate('secret', { maxOutputTokens: 100 })).rejects.toThrow('Not that.');
    expect(fake.requests).toEqual([]);
    // 450 millionths each.
    for (let i = 0; i < 2; i++) await llm().generate('hi', { maxOutputTokens: 100 });
    const refused = llm().generate('hi', { maxOutputTokens: 100 });
    await expect(refused).rejects.toBeInstanceOf(BudgetExceededError);
    expect(fake.requests).toHaveLength(2);
  });

  it('retries and fallbacks work, and each client keeps its own label', async () => {
    const fake = new FakeLlm(({ model }, number) =>
      model === DEFAULT.model ? new LlmRateLimitError('slow') : `answer ${number}`,
    );
    const recording = new RecordingCallbacks();
    const callbacks = [
      recording,
      new FallbackInterceptor({ clients: ['support'] }),
      new RetryInterceptor({ maxRetries: 1, initialDelayMs: 0 }),
    ];
    const { llm } = await start(overrideLlm(builderOf(callbacks), fake));

    const { text, attempts } = await llm().generate('hi', {
      providerOptions: { reasoning_effort: 'minimal' },
    });
    expect(text).toBe('answer 3');
    expect(attempts.map(({ provider, error }) => [provider, error?.constructor])).toEqual([
      ['openai', LlmRateLimitError],
      ['openai', LlmRateLimitError],
      ['anthropic', undefined],
    ]);
    // Options for one SDK are not passed to the other, as with real clients.
    expect(fake.requests.map(({ providerOptions }) => providerOptions)).toEqual([
      { reasoning_effort: 'minimal' },
      { reasoning_effort: 'minimal' },
      undefined,
    ]);
  });

  it('interceptors see the configured client', async () => {
    class Seen {
      readonly calls: string[] = [];
      @InterceptLlm()
      see({ client, provider, request }: InterceptedLlmCall, next: LlmNext) {
        this.calls.push(`${client} ${provider}/${request.model}`);
        return next();
      }
    }
    const seen = new Seen();
    const { llm } = await start(overrideLlm(builderOf([seen]), answers('hi')));
    await llm('support').generate('hi');
    expect(seen.calls).toEqual(['support anthropic/claude-haiku-4-5']);
  });

  it('llm.resolve is called, and its key creates no SDK client', async () => {
    const fake = answers('hello');
    const recording = new RecordingCallbacks();
    const resolve = () => ({
      apiKey: 'of-a-tenant',
      model: 'gpt-5-nano',
      baseURL: 'http://x.test',
    });
    const builder = Test.createTestingModule({
      imports: [CallbacksModule.forRoot({ llm: { ...DEFAULT, resolve }, callbacks: [recording] })],
    }).setLogger(testLogger);
    const { llm } = await start(overrideLlm(builder, fake));

    await llm().generate('a');
    await llm().stream('b').response;

    expect(fake.requests.map(({ model }) => model)).toEqual(['gpt-5-nano', 'gpt-5-nano']);
    expect(recording.of('llm.end').map(({ model }) => model)).toEqual(['gpt-5-nano', 'gpt-5-nano']);
  });

  it('agents call their tools', async () => {
    const fake = new FakeLlm([
      { toolCalls: [{ name: 'find', args: { id: '42' } }] },
      'It was sent.',
    ]);
    const recording = new RecordingCallbacks();
    const { app } = await start(overrideLlm(builderOf([recording]), fake));
    const parameters = { type: 'object', properties: { id: { type: 'string' } } };
    const find = { name: 'find', description: 'Finds.', parameters, execute: () => 'sent' };
    const agent = app.get(AgentService).create({ tools: [find] });

    expect((await agent.run('Where is 42?')).output).toBe('It was sent.');
    expect(recording.tree()).toMatchObject([
      { kind: 'agent', children: [{ kind: 'llm' }, { kind: 'tool' }, { kind: 'llm' }] },
    ]);
    expect(app.get(getAgentToken('support'), { strict: false })).toBeInstanceOf(AgentService);
  });
});

describe('overrideLlm rejects', () => {
  const known = /no client "suport" that has a model\. Known are: default, support; /;

  it('the name of an unknown client, when the application is compiled, before a missing key is reported', async () => {
    await expect(overrideLlm(builderOf(), answers(''), 'suport').compile()).rejects.toThrow(known);
  });

  it('the name of an unknown client only in the log, if no model is called anyway', async () => {
    const builder = overrideLlm(builderOf(), answers('all'));
    const { llm } = await start(overrideLlm(builder, answers('one'), 'suport'));
    expect((await llm('support').generate('a')).text).toBe('all');
    expect(logs).toEqual([{ level: 'warn', message: expect.stringMatching(known) }]);
  });

  it('a client without a model', async () => {
    const builder = Test.createTestingModule({
      imports: [
        CallbacksModule.forRoot(),
        CallbacksModule.forFeature({ name: 'support', llm: SUPPORT }),
      ],
    });
    await expect(overrideLlm(builder, answers(''), 'default').compile()).rejects.toThrow(
      'Known are: support;',
    );
  });

  it('a call after compile()', async () => {
    const before = 'Test.createTestingModule() returns, before its compile()';
    for (const builder of [builderOf(), overrideLlm(builderOf(), answers('early'))]) {
      const app = await builder.compile();
      for (const late of [builder, app]) {
        const override = () => overrideLlm(late as TestingModuleBuilder, answers('late'));
        expect(override).toThrow(CallbacksConfigurationError);
        expect(override).toThrow(before);
      }
    }
  });

  it.each<[string, unknown[]]>([
    ['no builder', [undefined, answers('')]],
    ['arguments in another order', [builderOf(), 'support', answers('')]],
    ['a service', [builderOf(), { generate: () => '', stream: () => '' }]],
    ['a name that is none', [builderOf(), answers(''), '']],
    ['a name that is an object', [builderOf(), answers(''), {}]],
  ])('%s', (_what, args) => {
    const override = () => overrideLlm(...(args as Parameters<typeof overrideLlm>));
    expect(override).toThrow(CallbacksConfigurationError);
    expect(override).toThrow(/^overrideLlm needs /);
  });
});
