import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type DynamicModule } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  AgentService,
  CacheInterceptor,
  CALLBACKS_OPTIONS,
  CallbackScope,
  CallbacksConfigurationError,
  CallbacksModule,
  CallbacksService,
  Chain,
  CostLimiter,
  defineTool,
  getFeatureOptionsToken,
  InjectLlm,
  InterceptLlm,
  LlmService,
  OnLlmEnd,
  RateLimiter,
  Retrieval,
  Tool,
  type CallbacksModuleOptions,
  type FeatureOptions,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp, willClose } from '../support/app.js';

afterEach(closeApps);

const llm = { provider: new FakeLlm(), model: 'fake' };
const forRoot = (options: unknown) => CallbacksModule.forRoot(options as CallbacksModuleOptions);
const forFeature = (options: unknown) => CallbacksModule.forFeature(options as FeatureOptions);
const root = forRoot({ llm });

/** Starts an application; returns the error. */
async function startWith(imports: DynamicModule[], providers: object[] = []): Promise<unknown> {
  const building = Test.createTestingModule({ imports, providers: providers as [] });
  try {
    await (await building.compile()).init();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('An unknown option is rejected with the closest known one:', () => {
  class Prompt {
    @OnLlmEnd({ timeoutMS: 5 } as object) end() {}
  }
  class Outer {
    @InterceptLlm({ ordr: 1 } as object) around() {}
  }
  class Tools {
    @Tool({ description: 'x', needsAproval: true } as { description: string }) pay() {}
  }

  it.each<[string, RegExp, DynamicModule[], object[]?]>([
    [
      'forRoot',
      /forRoot: there is no option "calbacks"; did you mean "callbacks"\?/,
      [forRoot({ llm, calbacks: [] })],
    ],
    [
      'forRoot, a name like none',
      /no option "zzz"; there are llm, agent/,
      [forRoot({ llm, zzz: 1 })],
    ],
    [
      'forFeature',
      /forFeature\("a"\): .*"persona"; there are name/,
      [root, forFeature({ name: 'a', persona: 'x' })],
    ],
    [
      'llm',
      /llm has no option "modell"; did you mean "model"\?/,
      [forRoot({ llm: { ...llm, modell: 'x' } })],
    ],
    [
      'llm, written in another way',
      /"base_url"; did you mean "baseURL"/,
      [forRoot({ llm: { ...llm, base_url: 'x' } })],
    ],
    [
      'llm of a feature',
      /forFeature "a": llm has no option "lable"; did you mean "label"/,
      [root, forFeature({ name: 'a', llm: { lable: 'x' } })],
    ],
    [
      'agent',
      /The agent default: it has no option "maxstep"; did you mean "maxSteps"/,
      [forRoot({ llm, agent: { maxstep: 3 } })],
    ],
    [
      'background',
      /background has no option "drainMS"; did you mean "drainMs"/,
      [forRoot({ background: { drainMS: 3 } })],
    ],
    [
      'a handler',
      /Prompt\.end .*unknown option "timeoutMS"; did you mean "timeoutMs"/,
      [root],
      [Prompt],
    ],
    [
      'an interceptor',
      /Outer\.around .*unknown option "ordr"; did you mean "order"/,
      [root],
      [Outer],
    ],
    [
      'a tool',
      /Tools\.pay: there is no option "needsAproval"; did you mean "needsApproval"/,
      [root],
      [Tools],
    ],
  ])('%s', async (_what, message, imports, providers = []) => {
    const error = await startWith(imports, providers);
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect((error as Error).message).toMatch(message);
  });

  it.each<[string, RegExp, () => unknown]>([
    [
      'forRootAsync',
      /forRootAsync: .*"useFactry"; did you mean "useFactory"/,
      () => CallbacksModule.forRootAsync({ useFactry: () => ({}) } as object),
    ],
    [
      'forFeatureAsync',
      /forFeatureAsync: .*"imprts"; did you mean "imports"/,
      () =>
        CallbacksModule.forFeatureAsync({ name: 'a', imprts: [], useFactory: () => ({}) } as never),
    ],
    [
      'a limiter',
      /CostLimiter has no option "maxcost"; did you mean "maxCost"/,
      () => new CostLimiter({ maxcost: 1 } as object),
    ],
    [
      'one of several limits',
      /no option "perr"; did you mean "per"/,
      () => new RateLimiter({ limits: [{ requestsPerMinute: 1, perr: 'user' } as object] }),
    ],
    [
      'a ready-made interceptor',
      /CacheInterceptor: there is no option "ttl"; did you mean "ttlMs"/,
      () => new CacheInterceptor({ ttl: 1 } as object),
    ],
    [
      '@Chain()',
      /@Chain\(\) on Work.go has no option "nme"; did you mean "name"/,
      () => {
        class Work {
          @Chain({ nme: 'x' } as object) go() {}
        }
        return Work;
      },
    ],
    [
      '@Retrieval()',
      /@Retrieval\(\) on Work.go has no option "sorce"; did you mean "source"/,
      () => {
        class Work {
          @Retrieval({ sorce: 'x' } as object) go() {}
        }
        return Work;
      },
    ],
  ])('%s', (_what, message, make) => {
    expect(make).toThrow(CallbacksConfigurationError);
    expect(make).toThrow(message);
  });

  it('in a call, whole or streamed, before anything is sent', async () => {
    const { llm: service, fake } = await startApp();
    const options = { maxTokens: 5 } as object;
    const problem = /A call has no option "maxTokens"; did you mean "maxOutputTokens"\?/;
    await expect(service.generate('hi', options)).rejects.toThrow(problem);
    await expect(service.stream('hi', options).response).rejects.toThrow(problem);
    expect(fake.requests).toEqual([]);
  });

  it('in an agent that is created later, and in its runs', async () => {
    const { module, fake } = await startApp();
    const agents = module.get(AgentService);
    expect(() => agents.create({ system: 'x' } as object)).toThrow(/no option "system"/);
    const agent = agents.create({ name: 'clerk' });
    const problem =
      /The agent clerk: a (resumed )?run of it has no option "timeout"; did you mean "timeoutMs"/;
    await expect(agent.run('hi', { timeout: 5 } as object)).rejects.toThrow(problem);
    await expect(agent.run('hi', { tools: [] } as object)).rejects.toThrow(/no option "tools"/);
    await expect(agent.resume({} as never, {}, { timeout: 5 } as object)).rejects.toThrow(problem);
    const tool = { ...defineTool({ name: 'x', description: 'x', execute: () => 1 }), title: 'X' };
    await expect(agents.create({ tools: [tool] }).run('hi')).rejects.toThrow(/no option "title"/);
    expect(fake.requests).toEqual([]);
  });
});

describe('A value of the wrong type is rejected with the expected type:', () => {
  class Options {}
  it.each<[string, RegExp, DynamicModule[]]>([
    ['no options', /forRoot: the options must be an object, not null/, [forRoot(null)]],
    ['a context', /context must be a function.*, not a number/, [forRoot({ context: 5 })]],
    [
      'callbacks',
      /forRoot: callbacks must be a list of objects, not an object/,
      [forRoot({ callbacks: {} })],
    ],
    [
      'callbacks of a feature',
      /forFeature\("a"\): callbacks must be a list/,
      [root, forFeature({ name: 'a', callbacks: {} })],
    ],
    [
      'callbacks of an agent',
      /callbacks must be a list of objects, not an object/,
      [forRoot({ llm, agent: { callbacks: {} } })],
    ],
    ['no llm', /forRoot: llm must be an object, not null/, [forRoot({ llm: null })]],
    [
      'an llm of a feature',
      /forFeature\("a"\): llm must be an object, not a text/,
      [root, forFeature({ name: 'a', llm: 'openai' })],
    ],
    ['an agent', /agent must be an object, not a list/, [forRoot({ llm, agent: [] })]],
    ['tools', /tools must be a list/, [forRoot({ llm, agent: { tools: 'x' } })]],
    [
      'a persona',
      /persona must be a text, not a number/,
      [forRoot({ llm, agent: { persona: 5 } })],
    ],
    ['prices', /prices must be an object, not a number/, [forRoot({ prices: 5 })]],
    ['a background', /background must be an object, not null/, [forRoot({ background: null })]],
    [
      'a key',
      /llm\.apiKey must be a text, or a function that gives one, not a number/,
      [forRoot({ llm: { provider: 'openai', model: 'x', apiKey: 5 } })],
    ],
    [
      'a base URL',
      /llm\.baseURL must be a text, not an object/,
      [forRoot({ llm: { provider: 'openai', model: 'x', baseURL: new URL('http://127.0.0.1') } })],
    ],
    [
      'headers',
      /llm\.defaultHeaders must be an object/,
      [forRoot({ llm: { provider: 'openai', model: 'x', apiKey: 'k', defaultHeaders: 'x' } })],
    ],
    [
      'a feature',
      /forFeature\("undefined"\): the options must be an object, not undefined/,
      [root, forFeature(undefined)],
    ],
    [
      'what a factory gives',
      /the options must be an object, not undefined/,
      [CallbacksModule.forRootAsync({ useFactory: (() => undefined) as never })],
    ],
    [
      'what a feature’s factory gives',
      /forFeature\("a"\): the options must be an object, not null/,
      [root, CallbacksModule.forFeatureAsync({ name: 'a', useFactory: (() => null) as never })],
    ],
    [
      'a class without the method',
      /forRootAsync: Options has no method createCallbacksOptions\(\)/,
      [CallbacksModule.forRootAsync({ useClass: Options as never })],
    ],
  ])('%s', async (_what, message, imports) => {
    const error = await startWith(imports);
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect((error as Error).message).toMatch(message);
  });

  it.each<[string, RegExp, object | null]>([
    ['no options', /options of a call must be an object, not null/, null],
    ['callbacks', /callbacks must be a list of objects, not an object/, { callbacks: {} }],
    ['tools', /tools must be a list/, { tools: 'x' }],
    ['a system text', /system must be a text/, { system: ['x'] }],
    ['a model', /model must be the name of a model, not an object/, { model: {} }],
    ['a signal', /signal must be an AbortSignal, not an object/, { signal: new AbortController() }],
    ['tags', /tags must be a list of texts/, { tags: 'x' }],
    ['metadata', /metadata must be an object, not a text/, { metadata: 'x' }],
  ])('%s of a call', async (_what, message, options) => {
    const { llm: service, fake } = await startApp();
    await expect(service.generate('hi', options as object)).rejects.toThrow(message);
    expect(fake.requests).toEqual([]);
  });

  it('callbacks that are passed at run time', async () => {
    const { module } = await startApp();
    const callbacks = module.get(CallbacksService);
    const problem = /callbacks must be a list of objects, not an object/;
    expect(() => callbacks.setGlobalCallbacks({} as [])).toThrow(problem);
  });
});

describe('Features', () => {
  it('with the same name are rejected in one list, as in two', async () => {
    const problem = /two clients are named "a"/;
    const twice = CallbacksModule.forFeature([
      { name: 'a', llm: { model: 'x' } },
      { name: 'a', llm: { model: 'y' } },
    ]);
    expect(String(await startWith([root, twice]))).toMatch(problem);
    const made = { name: 'a', useFactory: () => ({}) };
    const madeTwice = CallbacksModule.forFeatureAsync([made, { ...made }]);
    expect(String(await startWith([root, madeTwice]))).toMatch(problem);
  });

  it('have tokens for their options, as forRoot has, to be injected or overridden', async () => {
    const feature = CallbacksModule.forFeature({ name: 'a', llm: { model: 'small' } });
    const module = await Test.createTestingModule({ imports: [forRoot({}), feature] })
      .overrideProvider(CALLBACKS_OPTIONS)
      .useValue({ llm: { provider: new FakeLlm(['hello']), model: 'other' } })
      .compile();
    await willClose(module).init();
    expect((await module.get(LlmService).generate('hi')).model).toBe('other');
    expect(module.get(getFeatureOptionsToken('a'))).toEqual({ name: 'a', llm: { model: 'small' } });
  });
});

describe('Decorators compiled as standard decorators', () => {
  type Standard = (value: unknown, context: object) => void;
  it.each<[string, unknown]>([
    ['@OnLlmEnd()', OnLlmEnd()],
    ['@InterceptLlm()', InterceptLlm()],
    ['@Tool()', Tool({ description: 'x' })],
    ['@Chain()', Chain()],
    ['@Retrieval()', Retrieval()],
  ])('%s are rejected with the compiler option to set', (name, decorator) => {
    const context = { kind: 'method', name: 'record', static: false, private: false };
    const decorate = () => (decorator as Standard)(() => undefined, context);
    expect(decorate).toThrow(CallbacksConfigurationError);
    expect(decorate).toThrow(
      `${name} on "record" was compiled as a standard decorator, which Nest does not support: set "experimentalDecorators": true`,
    );
  });

  it('on a class or a field are rejected, too', () => {
    @Injectable()
    class Desk {}
    const ofClass = () => (CallbackScope('a') as Standard)(Desk, { kind: 'class', name: 'Desk' });
    expect(ofClass).toThrow(/@CallbackScope\(\) on "Desk" was compiled as a standard decorator/);
    const ofField = () =>
      (InjectLlm() as unknown as Standard)(undefined, { kind: 'field', name: 'llm' });
    expect(ofField).toThrow(/@InjectLlm\(\) on "llm" was compiled as a standard decorator/);
  });
});
