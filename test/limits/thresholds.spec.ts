import { afterEach, describe, expect, it } from '@jest/globals';
import {
  CostLimiter,
  MemoryLimitStore,
  RateLimiter,
  type LimitStore,
  type ThresholdReached,
} from 'nestjs-llm-callbacks';
import { limitWindow } from '../../src/limits/limit-window.js';
import { closeApps } from '../support/app.js';
import { describeStores, START } from '../support/limit-stores.js';
import { startLimited } from '../support/limited.js';

afterEach(closeApps);

const HOUR = 3_600_000;

/** The notifications of a limiter. */
function notices() {
  const all: ThresholdReached[] = [];
  return { all, onThreshold: (reached: ThresholdReached) => void all.push(reached) };
}

describeStores('onThreshold', (newStore) => {
  it('is called at the first rejection, also below the threshold', async () => {
    const { all, onThreshold } = notices();
    const limiter = new CostLimiter({ maxCost: 1, per: 'user', onThreshold, store: newStore() });
    const { llm } = await startLimited([limiter], 4);
    const ask = (userId: string) => llm.generate('hi', { maxOutputTokens: 7, userId });

    await ask('ada');
    for (let i = 0; i < 3; i++) await expect(ask('ada')).rejects.toThrow('may use up to $0.7');
    expect(all).toEqual([{ key: 'ada', used: 0.4, limit: 1, ratio: 0.4, refused: true }]);

    await llm.generate('hi', { maxOutputTokens: 4, userId: 'ada' });
    expect(all[1]).toEqual({ key: 'ada', used: 0.8, limit: 1, ratio: 0.8, refused: false });
    await ask('bob');
    await expect(ask('bob')).rejects.toThrow('may use up to $0.7');
    expect(all.slice(2)).toMatchObject([{ key: 'bob', refused: true }]);
  });

  it('is called again in the next window, and after a reset', async () => {
    const clock = { now: START };
    const { all, onThreshold } = notices();
    const store = newStore(clock);
    const limiter = new CostLimiter({ maxCost: 0, window: 'hour', onThreshold, store });
    const { llm } = await startLimited([limiter]);
    const ask = () =>
      expect(llm.generate('hi', { maxOutputTokens: 1 })).rejects.toThrow('limit $0');

    await ask();
    await ask();
    expect(all).toEqual([{ key: 'global', used: 0, limit: 0, ratio: 1, refused: true }]);
    clock.now += HOUR;
    await ask();
    await ask();
    expect(all).toHaveLength(2);
    await limiter.reset();
    await ask();
    await ask();
    expect(all).toHaveLength(3);
  });

  it('is called by one of several limiters that share a budget', async () => {
    const { all, onThreshold } = notices();
    const store = newStore();
    for (let i = 0; i < 3; i++) {
      const limiter = new RateLimiter({ requestsPerMinute: 1, onThreshold, threshold: 1, store });
      const { llm } = await startLimited([limiter]);
      await llm.generate('hi').catch(() => undefined);
    }
    expect(all.map(({ refused, ratio }) => [refused, ratio])).toEqual([
      [false, 1],
      [true, 1],
    ]);
  });

  it('is not called for a call that waits, but for one that may not wait', async () => {
    const { all, onThreshold } = notices();
    const options = { maxCost: 1, mode: 'wait', maxQueue: 1, onThreshold } as const;
    const limiter = new CostLimiter({ ...options, store: newStore() });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const ask = () => llm.generate('hi', { maxOutputTokens: 9 });
    const calls = [ask()];
    await provider.asked(1);
    calls.push(ask());
    await expect(ask()).rejects.toThrow('1 calls wait already');
    await expect(ask()).rejects.toThrow('1 calls wait already');
    expect(all).toMatchObject([{ key: 'global', used: 0, ratio: 0, refused: true }]);
    for (let i = 0; i < 2; i++) {
      await provider.asked(i + 1);
      provider.requests[i]!.answer(0);
    }
    await Promise.all(calls);
    expect(all).toHaveLength(1);
  });

  it('does not change a rejection when it fails', async () => {
    const onThreshold = () => Promise.reject(new Error('no mail'));
    const limiter = new CostLimiter({ maxCost: 0, onThreshold, store: newStore() });
    const { llm } = await startLimited([limiter]);
    await expect(llm.generate('hi')).rejects.toMatchObject({ name: 'BudgetExceededError' });
  });
});

describeStores('A store that records rejections', (newStore) => {
  it('reports the first rejection once per key and window', async () => {
    const clock = { now: START };
    const store = newStore(clock);
    const mark = (key: string, length: number | 'lifetime') =>
      store.markRefused!('limits', { key, window: limitWindow(length) });

    expect(await mark('a', 60_000)).toBe(true);
    expect(await mark('a', 60_000)).toBe(false);
    expect(await mark('b', 60_000)).toBe(true);
    expect(await mark('a', 'lifetime')).toBe(true);
    clock.now += 61_000;
    expect(await mark('a', 60_000)).toBe(true);
    expect(await mark('a', 'lifetime')).toBe(false);
  });
});

describe('Rejections', () => {
  it('are recorded in the process if the store does not record them or is unavailable', async () => {
    const quiet = new MemoryLimitStore();
    const silent: LimitStore = {
      reserve: (request) => quiet.reserve(request),
      settle: (settlement) => quiet.settle(settlement),
      renew: (...held) => quiet.renew(...held),
      usage: (...counters) => quiet.usage(...counters),
      reset: (...counters) => quiet.reset(...counters),
    };
    const away = { ...silent, markRefused: () => Promise.reject(new Error('away')) };
    for (const store of [silent, away]) {
      const { all, onThreshold } = notices();
      const { llm } = await startLimited([new CostLimiter({ maxCost: 0, onThreshold, store })]);
      for (let i = 0; i < 3; i++) await expect(llm.generate('hi')).rejects.toThrow('limit $0');
      expect(all).toHaveLength(1);
    }
  });

  it('are remembered for a bounded number of keys', async () => {
    const store = new MemoryLimitStore();
    const window = limitWindow('lifetime');
    const mark = (i: number) => store.markRefused('limits', { key: `k${i}`, window });
    for (let i = 0; i <= 10_000; i++) expect(await mark(i)).toBe(true);
    expect(await mark(10_000)).toBe(false);
    expect(await mark(0)).toBe(true);
  });
});
