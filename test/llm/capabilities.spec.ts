import { afterEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import {
  CallbacksModule,
  CallbacksService,
  LlmService,
  NO_USAGE,
  type LlmProvider,
  type LlmProviderCapabilities,
  type ProviderResult,
} from 'nestjs-llm-callbacks';
import { overrideLlm } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp, willClose } from '../support/app.js';
import { ask, METHODS } from '../support/wire/index.js';

afterEach(closeApps);

/** A provider that counts nothing, and records whether a run is around its code. */
function newProvider(capabilities: LlmProviderCapabilities) {
  const provider = {
    name: 'own',
    capabilities,
    callbacks: undefined as CallbacksService | undefined,
    runIds: [] as (string | undefined)[],
    async generate(): Promise<ProviderResult> {
      provider.runIds.push(provider.callbacks?.current?.runId);
      return {
        id: '1',
        model: 'own-1',
        text: 'Hello',
        message: { role: 'assistant', content: 'Hello' },
        toolCalls: [],
        finishReason: 'stop',
        usage: { ...NO_USAGE, inputTokens: 7, totalTokens: 7 },
      };
    },
    async *stream() {
      yield { type: 'text' as const, text: 'Hello' };
      yield await provider.generate();
    },
  };
  return provider satisfies LlmProvider;
}

async function start(capabilities: LlmProviderCapabilities) {
  const provider = newProvider(capabilities);
  const { module, llm } = await startApp({}, { llm: { provider, model: 'own-1' } });
  provider.callbacks = module.get(CallbacksService);
  return { provider, llm };
}

describe.each(METHODS)('The capabilities of a provider, by %s', (method) => {
  it('decide whether zeros beside an answer with content are estimated', async () => {
    const exact = await start({});
    expect((await ask(exact.llm, method)).usage).toMatchObject({
      outputTokens: 0,
      source: 'provider',
    });

    const server = await start({ usage: 'server' });
    const { usage } = await ask(server.llm, method);
    expect(usage).toMatchObject({ inputTokens: 7, source: 'estimated' });
    expect(usage.outputTokens).toBeGreaterThan(0);
  });

  it('decide whether its code is called in the context of the run', async () => {
    const bound = await start({ contextFree: false });
    await ask(bound.llm, method);
    expect(bound.provider.runIds).toEqual([expect.any(String)]);

    const free = await start({ contextFree: true });
    await ask(free.llm, method);
    expect(free.provider.runIds).toEqual([undefined]);
  });

  it('also hold when it replaces another one in a test', async () => {
    const provider = newProvider({ contextFree: true, usage: 'server' });
    const root = CallbacksModule.forRoot({ llm: { provider: newProvider({}), model: 'own-1' } });
    const builder = Test.createTestingModule({ imports: [root] });
    const app = willClose(await overrideLlm(builder, provider).compile());
    await app.init();
    provider.callbacks = app.get(CallbacksService);

    const { usage } = await ask(app.get(LlmService), method);

    expect(provider.runIds).toEqual([undefined]);
    expect(usage.source).toBe('estimated');
  });
});
