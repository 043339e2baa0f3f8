import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  CallbacksModule,
  CallbacksService,
  getLlmToken,
  InjectLlm,
  LlmService,
  type CallbacksModuleOptions,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, compileApp, startApp, willClose } from '../support/app.js';

afterEach(closeApps);

const fakeOptions = () => ({ provider: new FakeLlm(always('hello')), model: 'fake' });

@Injectable()
class Desk {
  constructor(
    readonly llm: LlmService,
    @InjectLlm('support') readonly support: LlmService,
  ) {}
}

describe('CallbacksModule', () => {
  it('provides the default client to every module, and named ones where they are imported', async () => {
    @Module({
      imports: [CallbacksModule.forFeature({ name: 'support', llm: { model: 'small' } })],
      providers: [Desk],
    })
    class DeskModule {}
    const recording = new RecordingCallbacks();
    const { module } = await startApp({ imports: [DeskModule] }, { callbacks: [recording] });
    const desk = module.get(Desk, { strict: false });
    await desk.llm.generate('hi');
    await desk.support.generate('hi');
    await desk.support.generate('hi', { model: 'large' });
    expect(recording.of('llm.start').map(({ model, scope }) => [model, scope])).toEqual([
      ['fake', 'default'],
      ['small', 'support'],
      ['large', 'support'],
    ]);
  });

  it('accepts options from a factory, a class or an existing provider', async () => {
    @Injectable()
    class Options {
      createCallbacksOptions(): CallbacksModuleOptions {
        return { llm: fakeOptions() };
      }
    }
    @Module({ providers: [Options], exports: [Options] })
    class OptionsModule {}
    for (const root of [
      CallbacksModule.forRootAsync({
        imports: [OptionsModule],
        inject: [Options],
        useFactory: async (options: Options) => Promise.resolve(options.createCallbacksOptions()),
      }),
      CallbacksModule.forRootAsync({ useClass: Options }),
      CallbacksModule.forRootAsync({ imports: [OptionsModule], useExisting: Options }),
    ]) {
      const feature = CallbacksModule.forFeatureAsync({
        name: 'support',
        useFactory: async () => Promise.resolve({ llm: { model: 'small' } }),
      });
      const module = await Test.createTestingModule({
        imports: [feature, root],
        providers: [Desk],
      }).compile();
      await willClose(module).init();
      const desk = module.get(Desk);
      expect((await desk.llm.generate('hi')).model).toBe('fake');
      expect((await desk.support.generate('hi')).model).toBe('small');
    }
  });

  it('stays in its module with isGlobal: false', async () => {
    @Module({
      providers: [{ provide: 'user', useFactory: (llm: LlmService) => llm, inject: [LlmService] }],
    })
    class Elsewhere {}
    const root = CallbacksModule.forRoot({ llm: fakeOptions(), isGlobal: false });
    const compile = (
      imports: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>,
    ) => Test.createTestingModule({ imports }).compile();
    await expect(compile([root, Elsewhere])).rejects.toThrow(/LlmService/);
    const feature = CallbacksModule.forFeature({ name: 'support' });
    const module = willClose(await compile([feature, root]));
    await module.init();
    expect(
      (await module.get<LlmService>(getLlmToken('support'), { strict: false }).generate('hi')).text,
    ).toBe('hello');
  });

  it('lets tests replace a client’s service', async () => {
    const fake = { generate: () => Promise.resolve({ text: 'faked' }) };
    const module = await Test.createTestingModule({
      imports: [
        CallbacksModule.forRoot({ llm: fakeOptions() }),
        CallbacksModule.forFeature({ name: 'support' }),
      ],
      providers: [Desk],
    })
      .overrideProvider(getLlmToken('support'))
      .useValue(fake)
      .overrideProvider(LlmService)
      .useValue(fake)
      .compile();
    await willClose(module).init();
    expect((await module.get(Desk).support.generate('hi')).text).toBe('faked');
    expect((await module.get(Desk).llm.generate('hi')).text).toBe('faked');
  });

  it('separates two applications in one process', async () => {
    const events: LlmStartEvent[] = [];
    const inner = await startApp(
      {},
      { callbacks: [{ onLlmStart: (event: LlmStartEvent) => void events.push(event) }] },
    );
    const nest = {
      onLlmStart: () => inner.llm.generate('inside a handler of another application'),
    };
    const outer = await startApp({}, { callbacks: [nest] });
    await outer.module
      .get(CallbacksService)
      .run({ userId: 'outer' }, () => outer.llm.generate('hi'));
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ userId: undefined, fromCallback: undefined });
  });

  it('provides a service before the application is initialized', async () => {
    const { llm } = await compileApp();
    expect((await llm.generate('hi')).text).toBe('hello');
  });
});
