import { afterEach, expect, it } from '@jest/globals';
import {
  CallbacksService,
  CallbackTimeoutError,
  OnCallbackError,
  OnLlmEnd,
  type CallbackErrorEvent,
} from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

it('A handler with contextFree is called in the context of the calling code', async () => {
  const { module, llm } = await startApp();
  const callbacks = module.get(CallbacksService);
  const seen: unknown[] = [];
  const note = () => seen.push(callbacks.current?.runId);
  callbacks.on('llm.end', note);
  callbacks.on('llm.end', note, { contextFree: true });
  await llm.generate('hi');
  expect(seen).toEqual([expect.any(String), undefined]);
});

it('contextFree keeps the timeout of a handler', async () => {
  const errors: unknown[] = [];
  class Slow {
    @OnLlmEnd({ contextFree: true, timeoutMs: 1 })
    never() {
      return new Promise(() => undefined);
    }
    @OnCallbackError() failed({ error }: CallbackErrorEvent) {
      errors.push(error);
    }
  }
  const { llm } = await startApp({}, { callbacks: [new Slow()] });
  await llm.generate('hi');
  expect(errors).toEqual([expect.any(CallbackTimeoutError)]);
});

it('A contextFree other than true or false is rejected at registration', async () => {
  const { module } = await startApp();
  const count = () => undefined;
  const register = () =>
    module.get(CallbacksService).on('llm.end', count, { contextFree: 'yes' as never });
  expect(register).toThrow('count (llm.end): contextFree must be true or false.');
});
