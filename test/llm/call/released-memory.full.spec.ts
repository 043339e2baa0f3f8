import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  CallbacksModule,
  LlmService,
  type LlmProvider,
  type ProviderResult,
} from 'nestjs-llm-callbacks';
import { collectGarbage } from '../../support/gc.js';
import { ask, METHODS } from '../../support/wire/index.js';

/** Objects that stay alive in the context of the calls, as promises of a `fetch` do. */
const contexts: AsyncResource[] = [];
const answers: WeakRef<object>[] = [];

function answer(): ProviderResult {
  const raw = {};
  contexts.push(new AsyncResource('of the call'));
  answers.push(new WeakRef(raw));
  const usage = { inputTokens: 1, outputTokens: 1 } as ProviderResult['usage'];
  return { text: 'Hello', usage, raw } as ProviderResult;
}

const provider: LlmProvider = {
  name: 'own',
  generate: () => Promise.resolve(answer()),
  async *stream() {
    yield answer();
  },
};

let app: TestingModule;

beforeEach(async () => {
  const llm = { provider, model: 'm' };
  app = await Test.createTestingModule({ imports: [CallbacksModule.forRoot({ llm })] }).compile();
  await app.init();
});

afterEach(() => app.close());

it.each(METHODS)('%s: an ended call releases its answer', async (method) => {
  await ask(app.get(LlmService), method);
  await setImmediate();
  collectGarbage();
  expect(contexts).not.toHaveLength(0);
  expect(answers.map((one) => one.deref())).toEqual(answers.map(() => undefined));
});
