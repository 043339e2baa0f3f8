import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CallbacksService,
  CostTracker,
  LlmService,
  MetricsCallbacks,
  StreamingProgress,
  TokenCounter,
} from 'nestjs-llm-callbacks';
import type { FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { BoundedTotals } from '../../src/built-in/cost-tracker.js';
import { always, closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

const prices = { fake: { inputPerMillion: 1_000_000, outputPerMillion: 2_000_000 } };

const answer = (inputTokens: number, outputTokens: number): FakeAnswer => ({
  text: 'hello there',
  usage: {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    cachedInputTokens: 1,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
    reasoningTokens: 0,
    source: 'provider',
  },
});

describe('The result of a built-in counter', () => {
  it('can be returned as JSON, and is a Map', async () => {
    const { module, llm } = await startApp(
      { providers: [CostTracker, TokenCounter, MetricsCallbacks] },
      { prices, answers: [answer(10, 1)] },
    );
    await llm.generate('hi', { userId: 'ada' });
    const costs = module.get(CostTracker);
    const json = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;
    const entry = { cost: 12, tokens: 11, requests: 1, unpriced: 0 };
    expect(json(costs.byUser)).toEqual({ ada: entry });
    expect(json({ models: costs.byModel })).toEqual({ models: { fake: entry } });
    expect(json(costs)).toEqual(costs.snapshot());
    expect(json(module.get(TokenCounter))).toMatchObject({ promptTokens: 10, completionTokens: 1 });
    expect(json(module.get(MetricsCallbacks))).toMatchObject({ llm: { count: 1 } });
    expect(costs.byUser).toEqual(new Map([['ada', entry]]));
    expect(Object.keys(costs.byUser)).toEqual([]);
  });
});

describe('CostTracker', () => {
  it('sums cost, tokens and requests, by model and by user, and can be reset', async () => {
    const { module, llm } = await startApp(
      { providers: [CostTracker] },
      { prices, answers: [answer(10, 1), answer(20, 2), answer(5, 5)] },
    );
    const costs = module.get(CostTracker);
    await module.get(CallbacksService).run({ userId: 'ada' }, () => llm.generate('hi'));
    await llm.stream('hi').response;
    await llm.generate('hi', { model: 'unlisted' });
    expect(costs.snapshot()).toEqual({
      totalCost: 36,
      totalTokens: 43,
      requestCount: 3,
      unpricedCount: 1,
      byModel: {
        fake: { cost: 36, tokens: 33, requests: 2, unpriced: 0 },
        unlisted: { cost: 0, tokens: 10, requests: 1, unpriced: 1 },
      },
      byUser: {
        ada: { cost: 12, tokens: 11, requests: 1, unpriced: 0 },
        anonymous: { cost: 24, tokens: 32, requests: 2, unpriced: 1 },
      },
    });
    expect(costs.byModel.get('fake')?.cost).toBe(36);
    costs.reset();
    expect(costs).toMatchObject({
      totalCost: 0,
      totalTokens: 0,
      requestCount: 0,
      unpricedCount: 0,
    });
    expect(costs.byUser.size).toBe(0);
  });

  it('counts the usage of failed and cancelled calls', async () => {
    const { module, llm } = await startApp(
      { providers: [CostTracker] },
      { prices, answers: [new Error('down'), answer(1, 1)] },
    );
    await llm.generate('hi').catch(() => undefined);
    const reader = llm.stream('hi')[Symbol.asyncIterator]();
    await reader.next();
    await reader.return?.();
    expect(module.get(CostTracker)).toMatchObject({ requestCount: 2, unpricedCount: 0 });
    expect(module.get(CostTracker).totalTokens).toBeGreaterThan(0);
  });
});

describe('Bounded totals', () => {
  it('merge the least recently used keys into "other" and lose no sum', () => {
    const totals = new BoundedTotals<number>(3, (a, b) => a + b);
    for (const key of ['a', 'b', 'a', 'c', 'd', 'e']) totals.update(key, (total = 0) => total + 1);
    expect([...totals.map]).toEqual([
      ['d', 1],
      ['e', 1],
      ['other', 4],
    ]);
    for (let i = 0; i < 1_000; i++) totals.update(`key ${i}`, (total = 0) => total + 1);
    expect(totals.map.size).toBe(3);
    expect([...totals.map.values()].reduce((a, b) => a + b)).toBe(1_006);
  });
});

describe('TokenCounter', () => {
  it('counts the tokens of all calls', async () => {
    const { module, llm } = await startApp(
      { providers: [TokenCounter] },
      { answers: always(answer(10, 3)) },
    );
    await llm.generate('hi');
    await llm.generate('hi');
    const counter = module.get(TokenCounter);
    expect(counter).toMatchObject({
      promptTokens: 20,
      completionTokens: 6,
      totalTokens: 26,
      cachedTokens: 2,
    });
    counter.reset();
    expect(counter.totalTokens).toBe(0);
  });
});

describe('StreamingProgress', () => {
  it('passes text on as it arrives, and reports the end of a stream', async () => {
    const seen: string[] = [];
    const progress = new StreamingProgress({
      onChunk: (text) => seen.push(text),
      onComplete: () => seen.push('done'),
    });
    const { llm } = await startApp({}, { answers: ['a b', 'c', new Error('down')] });
    await llm.stream('hi', { callbacks: [progress] }).response;
    await llm.generate('hi', { callbacks: [progress] });
    await llm.stream('hi', { callbacks: [progress] }).response.catch(() => undefined);
    expect(seen).toEqual(['a', ' b', 'done']);
  });
});

describe('A built-in callback', () => {
  it('works for one client or call as well as for a whole application', async () => {
    const tracker = new CostTracker();
    const { module } = await startApp();
    const llm = module.get(LlmService);
    await llm.generate('not counted');
    await llm.generate('counted', { callbacks: [tracker] });
    expect(tracker.requestCount).toBe(1);
  });
});
