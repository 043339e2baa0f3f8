import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { CostLimiter, MemoryLimitStore, type LimitStore } from 'nestjs-llm-callbacks';
import { limitWindow } from '../../src/limits/limit-window.js';
import { Outbox } from '../../src/limits/store-outage.js';
import { SettledIds } from '../../src/limits/memory-counter.js';
import { closeApps } from '../support/app.js';
import { heldBytes } from '../support/gc.js';
import { START } from '../support/limit-stores.js';
import { startLimited } from '../support/limited.js';

afterEach(closeApps);

const window = limitWindow('hour');

function use(store: LimitStore, key: string) {
  const claim = { key, window, amount: 1, limit: 10, elastic: false };
  return store.reserve({ group: 'g', id: key, leaseMs: 1_000, instance: 'test', claims: [claim] });
}

describe('The memory store', () => {
  it('rejects new keys when it is full, until windows have passed', async () => {
    const clock = { now: START };
    const store = new MemoryLimitStore({ maxKeys: 3, now: () => clock.now });
    for (const key of ['a', 'b', 'c']) await use(store, key);
    await expect(use(store, 'd')).rejects.toThrow('counts 3 keys already');
    await use(store, 'a');

    clock.now += 3_600_000;

    expect(await use(store, 'e')).toMatchObject({ granted: true });
  });

  it('stores no key without usage, whatever its window', async () => {
    const store = new MemoryLimitStore({ maxKeys: 3 });
    const lifetime = limitWindow('lifetime');
    for (let i = 0; i < 10; i++) {
      const id = String(i);
      const claim = { key: id, window: lifetime, amount: 1, limit: 10 };
      const request = { group: 'g', id, leaseMs: 1_000, instance: 'test' };
      const grant = await store.reserve({ ...request, claims: [{ ...claim, elastic: false }] });
      expect(grant).toMatchObject({ granted: true });
      await store.settle({ group: 'g', id, at: Date.now(), claims: [{ ...claim, used: 0 }] });
    }
  });

  it('counts as unavailable when it is full', async () => {
    const limiter = new CostLimiter({
      maxCost: 1,
      per: 'user',
      store: new MemoryLimitStore({ maxKeys: 2 }),
    });
    const { llm } = await startLimited([limiter]);
    for (const userId of ['a', 'b', 'a']) await llm.generate('hi', { userId });

    await expect(llm.generate('hi', { userId: 'c' })).rejects.toMatchObject({
      name: 'LimitStoreUnavailableError',
      retryable: true,
      cause: expect.objectContaining({ message: expect.stringContaining('more maxKeys') }),
    });
  });
});

describe('The memory of settled reservations', () => {
  const TEN_MINUTES = 600_000;

  it('keeps ids for ten minutes', () => {
    const ids = new SettledIds();
    ids.add('a', 0);
    ids.add('b', TEN_MINUTES - 1);
    ids.add('c', TEN_MINUTES);
    ids.forget(2 * TEN_MINUTES - 2);
    expect([ids.has('b'), ids.has('c')]).toEqual([true, true]);
    ids.forget(3 * TEN_MINUTES);
    expect(ids.size).toBe(0);
  });

  it('keeps the latest 10,000 ids, and at most twice as many', () => {
    const ids = new SettledIds();
    for (let i = 0; i < 55_000; i++) ids.add(String(i), i);
    expect(ids.size).toBeLessThanOrEqual(20_000);
    expect([ids.has('54999'), ids.has('45000'), ids.has('30000')]).toEqual([true, true, false]);
  });

  it('keeps a limiter small, whatever the number of its calls', async () => {
    const store = new MemoryLimitStore();
    const claim = { key: 'k', window, amount: 1, limit: 1e9, elastic: false };
    const call = async (): Promise<void> => {
      const id = randomUUID();
      const request = { group: 'g', id, leaseMs: 1_000, instance: 'test', claims: [claim] };
      await store.reserve(request);
      await store.settle({ group: 'g', id, at: Date.now(), claims: [{ ...claim, used: 1 }] });
    };
    await call();
    const before = await heldBytes();
    for (let i = 0; i < 40_000; i++) await call();
    // 100,000 ids once used about 60 MB.
    expect((await heldBytes()) - before).toBeLessThan(4_000_000);
    expect((await store.usage('g', [claim]))[0]!.used).toBe(40_001);
  });
});

describe('Settlements that could not be stored', () => {
  it('are bounded, and sent when the store is available again', async () => {
    const sent: string[] = [];
    let isAway = true;
    const outbox = new Outbox(async ({ id }) => {
      if (isAway) throw new Error('away');
      sent.push(id);
    });
    for (let i = 0; i < 10_002; i++) outbox.add({ group: 'g', id: String(i), at: 0, claims: [] });
    await expect(outbox.flush()).rejects.toThrow('away');
    expect([outbox.size, outbox.takeLost(), outbox.takeLost()]).toEqual([10_000, 2, 0]);

    isAway = false;
    await Promise.all([outbox.flush(), outbox.flush()]);

    expect(sent).toHaveLength(10_000);
    expect(sent[0]).toBe('2');
    expect(outbox.size).toBe(0);
  });
});
