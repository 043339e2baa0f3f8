import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { CallbacksModule, LlmServerError, LlmService } from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';

@Injectable()
class Greeter {
  constructor(private readonly llm: LlmService) {}

  async greet(name: string) {
    const { text } = await this.llm.generate(`Greet ${name}.`);
    return text;
  }
}

it('The greeter returns the answer, and fails when the model is down', async () => {
  const fake = new FakeLlm(['Hello, Ada!', new Error('down')]);
  const recording = new RecordingCallbacks();
  const app = await Test.createTestingModule({
    imports: [
      CallbacksModule.forRoot({ llm: { provider: fake, model: 'fake' }, callbacks: [recording] }),
    ],
    providers: [Greeter],
  }).compile();
  await app.init();

  expect(await app.get(Greeter).greet('Ada')).toBe('Hello, Ada!');
  await expect(app.get(Greeter).greet('Bob')).rejects.toBeInstanceOf(LlmServerError);

  expect(fake.requests[0]?.messages).toEqual([{ role: 'user', content: 'Greet Ada.' }]);
  expect(recording.tree()).toEqual([
    { kind: 'llm', events: ['llm.start', 'llm.end'], children: [] },
    { kind: 'llm', events: ['llm.start', 'llm.error'], children: [] },
  ]);
  await app.close();
});
