import 'reflect-metadata';
import { jest } from '@jest/globals';

it('works together with what was loaded before jest.resetModules()', async () => {
  const before = await import('nestjs-llm-callbacks');
  jest.resetModules();
  const { Test } = await import('@nestjs/testing');
  const { CallbackAbort, CallbacksModule, LlmService } = await import('nestjs-llm-callbacks');
  const { FakeLlm } = await import('nestjs-llm-callbacks/testing');
  expect(CallbackAbort).not.toBe(before.CallbackAbort);

  class Gate {
    isOpen = true;

    @before.OnLlmStart()
    check(): void {
      if (!this.isOpen) throw new before.CallbackAbort('closed');
    }
  }
  const fake = new FakeLlm([new Error('down'), 'hello']);
  const app = await Test.createTestingModule({
    imports: [
      CallbacksModule.forRoot({
        llm: { provider: fake, model: 'fake' },
        callbacks: [new before.RetryInterceptor({ initialDelayMs: 1 })],
      }),
    ],
    providers: [Gate],
  }).compile();
  await app.init();

  const llm = app.get(before.LlmService);
  expect(llm).toBe(app.get(LlmService));
  expect((await llm.generate('hi')).text).toBe('hello');
  app.get(Gate).isOpen = false;
  await expect(llm.generate('hi')).rejects.toBeInstanceOf(CallbackAbort);
  expect(fake.requests).toHaveLength(2);
  await app.close();
});
