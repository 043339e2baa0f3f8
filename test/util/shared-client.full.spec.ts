import { afterEach, expect, it, jest } from '@jest/globals';
import OpenAI from 'openai';
import type * as Package from 'nestjs-llm-callbacks';
import { openai } from '../support/wire/openai.js';
import { failsOnce, HELLO, says } from '../support/wire/index.js';
import { newOpenAi } from '../support/wire/sdk-clients.js';
import { WireServer } from '../support/wire/server.js';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

/** An application on a copy of the package, and of Nest, that nothing else uses. */
async function startApart(client: OpenAI) {
  jest.resetModules();
  const { CallbacksModule, LlmService }: typeof Package = await import('nestjs-llm-callbacks');
  const { RecordingCallbacks } = await import('nestjs-llm-callbacks/testing');
  const { Test } = await import('@nestjs/testing');
  const recording = new RecordingCallbacks();
  const root = CallbacksModule.forRoot({
    llm: { ...openai.client(''), client },
    callbacks: [recording],
  });
  const app = await Test.createTestingModule({ imports: [root] }).compile();
  await app.init();
  open.push(app);
  return { llm: app.get(LlmService), recording };
}

it('Two copies of the package report only their own retries of a shared ready client', async () => {
  const server = await WireServer.listen();
  open.push(server);
  const client = newOpenAi(server.origin);
  const apps = [await startApart(client), await startApart(client)];
  for (const [i, { llm }] of apps.entries()) {
    server.answers(
      failsOnce(openai, 429, { type: 'rate_limit_error' }),
      says(openai, 'generate', HELLO),
    );
    await llm.generate('Hi');
    const retries = apps.map(({ recording }) => recording.of('llm.retry').length);
    expect(retries).toEqual(i === 0 ? [1, 0] : [1, 1]);
  }
});
