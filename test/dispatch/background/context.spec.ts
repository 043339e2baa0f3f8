import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import { CallbacksService, OnLlmEnd, OnLlmStart, type LlmEndEvent } from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, startApp } from '../../support/app.js';
import { Gate, settle } from '../../support/gate.js';

afterEach(closeApps);

const inBackground = { background: true } as const;

describe('A background handler', () => {
  it('starts its own runs in the context of its event', async () => {
    const recording = new RecordingCallbacks();
    const { llm, module } = await startApp({}, { callbacks: [recording] });
    const callbacks = module.get(CallbacksService);
    const summarize = async ({ text }: LlmEndEvent) => void (await llm.generate(`sum: ${text}`));
    callbacks.on('llm.end', summarize, inBackground);
    const context = { userId: 'ada', tenantId: 'acme', tags: ['t'], metadata: { plan: 'gold' } };
    await callbacks.run(context, () => callbacks.chain('c', 1, () => llm.generate('hi')));
    await callbacks.flush();
    const [asked, summed] = recording.of('llm.start');
    expect(summed).toMatchObject({
      ...context,
      prompt: 'sum: hello',
      parentRunId: undefined,
      rootRunId: summed!.runId,
      requestId: asked!.requestId,
      traceId: asked!.traceId,
      fromCallback: { runId: asked!.runId, handler: 'summarize' },
    });
  });

  it('has the AsyncLocalStorage values of its event, not the current ones', async () => {
    const { llm, module } = await startApp({}, { background: { concurrency: 1 } });
    const callbacks = module.get(CallbacksService);
    const storage = new AsyncLocalStorage<{ user: string }>();
    const gate = new Gate();
    const seen: unknown[] = [];
    const look = async () => {
      seen.push(storage.getStore()?.user);
      // The next handler does not see changes by the previous one.
      storage.enterWith({ user: 'left behind' });
      await gate.pass();
    };
    callbacks.on('llm.end', look, inBackground);
    await storage.run({ user: 'ada' }, () => llm.generate('hi'));
    await storage.run({ user: 'bob' }, () => llm.generate('hi'));
    await storage.exit(() => llm.generate('hi'));
    gate.open();
    await callbacks.flush();
    expect(seen).toEqual(['ada', 'bob', undefined]);
  });

  it.each(['wait', 'drop'] as const)(
    'never sees the user of another of 200 concurrent runs, with whenFull: %s',
    async (whenFull) => {
      const answers = [...always('hello'), ...always('hello'), ...always('x'), ...always('x')];
      const background = { concurrency: 3, queueSize: 5, whenFull };
      const recording = new RecordingCallbacks();
      const { llm, module } = await startApp({}, { answers, background, callbacks: [recording] });
      const callbacks = module.get(CallbacksService);
      const storage = new AsyncLocalStorage<string>();
      const seen: unknown[][] = [];
      const look = async (event: LlmEndEvent) => {
        const before = storage.getStore();
        await settle();
        // A run started now shows the owner of the current context.
        await callbacks.chain('look', 1, () => seen.push([event.userId, before]));
        expect(storage.getStore()).toBe(event.userId);
      };
      callbacks.on('llm.end', look, inBackground);
      const users = Array.from({ length: 200 }, (_, i) => `user-${i}`);
      const ask = (userId: string) =>
        storage.run(userId, () => callbacks.run({ userId }, () => llm.generate('hi')));
      await Promise.all(users.map(ask));
      await callbacks.flush();
      const { dropped } = callbacks.background;
      expect(seen).toHaveLength(200 - dropped);
      expect(dropped > 0).toBe(whenFull === 'drop');
      expect(seen.every(([event, stored]) => event === stored)).toBe(true);
      const asked = new Map(recording.of('llm.end').map(({ runId, userId }) => [runId, userId]));
      const looked = recording.of('chain.start');
      expect(looked).toHaveLength(seen.length);
      for (const { fromCallback, userId } of looked)
        expect(asked.get(fromCallback!.runId)).toBe(userId);
    },
  );
});

describe('A request-scoped provider', () => {
  const built: string[] = [];
  const calls: unknown[] = [];

  @Injectable({ scope: Scope.REQUEST })
  class Report {
    readonly number = built.push('report');
    @OnLlmStart({ background: true }) before() {
      calls.push(['start', this.number]);
    }
    @OnLlmEnd({ background: true }) after() {
      calls.push(['end', this.number]);
    }
  }

  afterEach(() => {
    built.length = 0;
    calls.length = 0;
  });

  it('has one instance for the background of a run, and another for another run', async () => {
    const { llm, module } = await startApp({ providers: [Report] });
    await llm.generate('hi');
    await llm.generate('hi');
    await module.get(CallbacksService).flush();
    expect(calls).toEqual([
      ['start', 1],
      ['end', 1],
      ['start', 2],
      ['end', 2],
    ]);
  });
});
