import { afterEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import {
  AgentService,
  CallbacksConfigurationError,
  CallbacksModule,
  LlmService,
} from 'nestjs-llm-callbacks';
import { FakeLlm, overrideLlm } from 'nestjs-llm-callbacks/testing';
import { closeApps, willClose } from '../support/app.js';

afterEach(closeApps);

const root = () =>
  CallbacksModule.forRoot({ llm: { provider: new FakeLlm(['real']), model: 'm' } });

describe('A FakeLlm provided in place of an LlmService', () => {
  async function start() {
    const app = await Test.createTestingModule({ imports: [root()] })
      .overrideProvider(LlmService)
      .useValue(new FakeLlm(['hello']))
      .compile();
    await app.init();
    return willClose(app);
  }

  it.each<[string, (llm: LlmService) => unknown]>([
    ['generate', (llm) => llm.generate('hi')],
    ['generate with messages', (llm) => llm.generate([{ role: 'user', content: 'hi' }], {})],
    ['stream', async (llm) => llm.stream('hi').textStream],
  ])('fails with the correct alternative, by %s', async (_method, call) => {
    const calling = Promise.resolve(call((await start()).get(LlmService)));
    const error = await calling.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect(error).toMatchObject({ message: expect.stringContaining('use overrideLlm(builder, ') });
  });

  it('fails in an agent, too, whose calls no callback would receive', async () => {
    const running = (await start()).get(AgentService).run('Do it.');
    await expect(running).rejects.toThrow('use overrideLlm(builder, ');
  });
});

describe('overrideModule', () => {
  it('replaces a forRoot module by the module object, and not by the class', async () => {
    const real = root();
    const replaced = CallbacksModule.forRoot({
      llm: { provider: new FakeLlm(['replaced']), model: 'm' },
    });
    const ask = async (target: object) => {
      const app = await Test.createTestingModule({ imports: [real] })
        .overrideModule(target as typeof real)
        .useModule(replaced)
        .compile();
      await willClose(app).init();
      return (await app.get(LlmService).generate('hi')).text;
    };
    expect(await ask(CallbacksModule)).toBe('real');
    expect(await ask(real)).toBe('replaced');
  });

  it('can be combined with overrideLlm', async () => {
    const builder = Test.createTestingModule({ imports: [root()] });
    builder.overrideModule(CallbacksModule).useModule(class Nothing {});
    const app = await overrideLlm(builder, new FakeLlm(['overridden'])).compile();
    await willClose(app).init();
    expect((await app.get(LlmService).generate('hi')).text).toBe('overridden');
  });
});
