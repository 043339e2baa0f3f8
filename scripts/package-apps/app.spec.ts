import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CallbacksModule, LlmService, OnLlmEnd, type LlmEndEvent } from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';

@Injectable()
class Hooks {
  readonly received: LlmEndEvent[] = [];

  @OnLlmEnd()
  ended(event: LlmEndEvent): void {
    this.received.push(event);
  }
}

it('calls the hook', async () => {
  const app = await Test.createTestingModule({
    imports: [
      CallbacksModule.forRoot({ llm: { provider: new FakeLlm(['hello']), model: 'fake' } }),
    ],
    providers: [Hooks],
  }).compile();
  await app.init();

  const { text } = await app.get(LlmService).generate('hi');

  expect(text).toBe('hello');
  expect(app.get(Hooks).received).toHaveLength(1);
  await app.close();
});
