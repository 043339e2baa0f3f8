import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type DynamicModule } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  CallbacksConfigurationError,
  CallbacksModule,
  CallbacksService,
  CallbackScope,
  LlmService,
  OnCallbackError,
  OnLlmEnd,
  OnLlmRetry,
  OnLlmStart,
  type CallbacksModuleOptions,
  type LlmOptions,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp, willClose } from '../support/app.js';

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

const llm = { provider: new FakeLlm(), model: 'fake' };

/** Starts an application with these imports and providers; returns the error. */
async function startWith(imports: DynamicModule[], providers: object[] = []): Promise<unknown> {
  try {
    const module = await Test.createTestingModule({
      imports,
      providers: providers as [],
    }).compile();
    await module.init();
    // An application that failed to start need not be closed; Nest 11 would throw the same error again.
    willClose(module);
    return undefined;
  } catch (error) {
    return error;
  }
}

const forRoot = (options: Partial<LlmOptions> | undefined) =>
  CallbacksModule.forRoot({ llm: options } as CallbacksModuleOptions);

describe('The application does not start, and the error suggests a fix,', () => {
  const hookWith = (options: object) => {
    class Hooks {
      @OnLlmStart(options) start() {}
    }
    return Hooks;
  };
  class CriticalRetry {
    @OnLlmRetry({ critical: true }) retry() {}
  }
  class CriticalReport {
    @OnCallbackError({ critical: true }) report() {}
  }
  @Injectable()
  @CallbackScope('nowhere')
  class ScopedClass {
    @OnLlmEnd() end() {}
  }
  const root = CallbacksModule.forRoot({ llm });
  const support = () => CallbacksModule.forFeature({ name: 'support', llm });

  it.each<[string, RegExp, DynamicModule[], object[]?]>([
    [
      'an unknown provider',
      /"mistral".*openai, anthropic/,
      [forRoot({ provider: 'mistral' as 'openai', model: 'x' })],
    ],
    [
      'a provider that is none',
      /without name, generate\(\)/,
      [forRoot({ provider: {} as never, model: 'x' })],
    ],
    ['no model', /llm\.model is missing/, [forRoot({ provider: 'openai', apiKey: 'k' })]],
    [
      'a negative timeout',
      /llm\.timeout must be/,
      [forRoot({ provider: 'openai', model: 'x', timeout: -1 })],
    ],
    [
      'a client of something else',
      /llm\.client is not a client of the SDK of anthropic/,
      [forRoot({ provider: 'anthropic', model: 'x', client: { chat: {} } })],
    ],
    [
      'negative retries',
      /llm\.maxRetries must be/,
      [forRoot({ provider: 'openai', model: 'x', maxRetries: -1 })],
    ],
    [
      'no OpenAI key',
      /"openai" has no API key: set OPENAI_API_KEY/,
      [forRoot({ provider: 'openai', model: 'x' })],
    ],
    ['no Anthropic key', /set ANTHROPIC_API_KEY/, [forRoot({ provider: 'anthropic', model: 'x' })]],
    ['a second forRoot', /imported twice/, [root, CallbacksModule.forRoot()]],
    ['two features of one name', /two clients are named "support"/, [root, support(), support()]],
    ['a feature without forRoot', /needs CallbacksModule\.forRoot\(\)/, [support()]],
    [
      'a feature named default',
      /"default" cannot be/,
      [root, CallbacksModule.forFeature({ name: 'default' })],
    ],
    [
      'an unknown scope',
      /Hooks\.start has the scope "nope".*default, support/,
      [root, support()],
      [hookWith({ scope: 'nope' })],
    ],
    [
      'an unknown scope of a class',
      /ScopedClass\.end has the scope "nowhere"/,
      [root],
      [ScopedClass],
    ],
    ['an empty scope', /Hooks\.start .*scope must be/, [root], [hookWith({ scope: [] })]],
    [
      'a negative timeoutMs',
      /Hooks\.start .*timeoutMs must be/,
      [root],
      [hookWith({ timeoutMs: -5 })],
    ],
    [
      'an order that is no number',
      /Hooks\.start .*order must be/,
      [root],
      [hookWith({ order: 'first' })],
    ],
    [
      'a filter that is no function',
      /Hooks\.start .*when must be/,
      [root],
      [hookWith({ when: true })],
    ],
    ['an unknown option', /Hooks\.start .*unknown option "prio"/, [root], [hookWith({ prio: 1 })]],
    [
      'a critical retry handler',
      /CriticalRetry\.retry .*cannot be critical/,
      [root],
      [CriticalRetry],
    ],
    [
      'a critical handler of failures',
      /CriticalReport\.report .*cannot be critical/,
      [root],
      [CriticalReport],
    ],
    [
      'a callback without hooks',
      /Date was given as a callback/,
      [CallbacksModule.forRoot({ callbacks: [new Date()] })],
    ],
    [
      'a class as a callback',
      /the class or function CriticalRetry/,
      [CallbacksModule.forRoot({ callbacks: [CriticalRetry] })],
    ],
    [
      'callbacks of a feature without hooks',
      /Object was given/,
      [root, CallbacksModule.forFeature({ name: 's', llm, callbacks: [{}] })],
    ],
    [
      'a negative drainMs',
      /drainMs must be/,
      [CallbacksModule.forRoot({ background: { drainMs: -1 } })],
    ],
  ])('with %s', async (_what, message, imports, providers = []) => {
    const error = await startWith(imports, providers);
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect((error as Error).message).toMatch(message);
  });

  it('with async options that no provider creates', () => {
    expect(() => CallbacksModule.forRootAsync({})).toThrow(
      /give useFactory, useClass or useExisting/,
    );
  });
});

describe('A decorator on something other than an instance method is an error that names it', () => {
  const decorate = OnLlmStart() as (
    target: object,
    key: string | symbol,
    descriptor?: PropertyDescriptor,
  ) => void;

  it.each<[string, RegExp, () => void]>([
    [
      'a property',
      /@OnLlmStart\(\) is on Desk\.field/,
      () => decorate(class Desk {}.prototype, 'field'),
    ],
    [
      'an accessor',
      /Desk\.value/,
      () => decorate(class Desk {}.prototype, 'value', { get: () => 1 }),
    ],
    [
      'a static method',
      /static Desk\.method/,
      () => decorate(class Desk {}, 'method', { value: () => 1 }),
    ],
    [
      'a symbol',
      /Symbol\(hidden\)/,
      () => decorate(class Desk {}.prototype, Symbol('hidden'), { value: () => 1 }),
    ],
  ])('%s', (_what, message, apply) => {
    expect(apply).toThrow(CallbacksConfigurationError);
    expect(apply).toThrow(message);
  });
});

describe('A call is rejected before anything is sent', () => {
  it.each<[string, RegExp, unknown, object?]>([
    ['an empty prompt', /prompt is empty/, ' '],
    ['no messages', /no messages/, []],
    ['something else than messages', /no messages/, undefined],
    ['a message of an unknown role', /messages\[0\]\.role/, [{ role: 'boss', content: 'x' }]],
    ['a message without content', /messages\[0\]\.content/, [{ role: 'user' }]],
    ['a tool’s answer to no call', /toolCallId/, [{ role: 'tool', content: 'x' }]],
    ['a negative timeout', /timeoutMs must be/, 'hi', { timeoutMs: -1 }],
    ['a limit of half a token', /maxOutputTokens must be/, 'hi', { maxOutputTokens: 0.5 }],
    ['a temperature that is none', /temperature must be/, 'hi', { temperature: Number.NaN }],
    ['a callback without hooks', /was given as a callback/, 'hi', { callbacks: [{}] }],
  ])('%s', async (_what, message, input, options = {}) => {
    const { llm: service, fake } = await startApp();
    await expect(service.generate(input as string, options)).rejects.toThrow(message);
    await expect(service.stream(input as string, options).response).rejects.toThrow(message);
    expect(fake.requests).toEqual([]);
  });

  it('without a model for the default client', async () => {
    const module = await Test.createTestingModule({
      imports: [CallbacksModule.forRoot()],
    }).compile();
    await willClose(module).init();
    await expect(module.get(LlmService).generate('hi')).rejects.toThrow(
      /This client has no model: give `llm/,
    );
  });

  it('with an unknown scope for a handler that is added later', async () => {
    const { module } = await startApp();
    const callbacks = module.get(CallbacksService);
    expect(() => callbacks.on('llm.end', () => undefined, { scope: 'nope' })).toThrow(
      /scope "nope"/,
    );
    expect(() => callbacks.on('llm.ended' as 'llm.end', () => undefined)).toThrow(/no such event/);
    expect(() => callbacks.add({})).toThrow(CallbacksConfigurationError);
  });
});

describe('API keys', () => {
  it('are not required with a base URL, and never sent to another provider or server', async () => {
    const root = CallbacksModule.forRoot({
      llm: { provider: 'openai', model: 'x', apiKey: 'secret' },
    });
    const elsewhere = CallbacksModule.forFeature({
      name: 'local',
      llm: { baseURL: 'http://127.0.0.1:1', model: 'y' },
    });
    expect(await startWith([root, elsewhere])).toBeUndefined();
    const other = CallbacksModule.forFeature({
      name: 'other',
      llm: { provider: 'anthropic', model: 'z' },
    });
    expect(String(await startWith([root, other]))).toMatch(/"anthropic" has no API key/);
  });

  it('never appear in errors', async () => {
    const options = { provider: 'openai', model: '', apiKey: 'sk-secret' } as const;
    expect(String(await startWith([forRoot(options)]))).not.toContain('sk-secret');
  });
});
