import { expect, it } from '@jest/globals';
import { MemoryLimitStore, type LimitClaim, type LimitGrant } from 'nestjs-llm-callbacks';
import { describeLimitStore } from 'nestjs-llm-callbacks/testing';
import { limitWindow } from '../../src/limits/limit-window.js';
import { describeStores, START, useRedis } from '../support/limit-stores.js';
import { describeWithRedis } from '../support/services.js';

const patience = { timeoutMs: 20_000 };

describeLimitStore((clock) => new MemoryLimitStore({ now: clock.now }), {
  ...patience,
  title: 'MemoryLimitStore',
  clock: true,
});

describeWithRedis('On Redis', () => {
  const redis = useRedis();
  const prefixes = new WeakMap<object, string>();
  const make = (clock?: { readonly now: number }, at = redis.newPrefix()) => {
    const store = redis.store(clock, at);
    prefixes.set(store, at);
    return store;
  };
  const shared = { ...patience, durable: true };

  describeLimitStore(({ now }) => make(dated(now)), {
    ...shared,
    title: 'RedisLimitStore',
    clock: true,
    peer: (store, { now }) => make(dated(now), prefixes.get(store)),
  });

  describeLimitStore(() => make(), {
    ...shared,
    title: "RedisLimitStore by the server's clock",
    peer: (store) => make(undefined, prefixes.get(store)),
  });
});

/** The clock of a kit as a field. */
function dated(now: () => number): { readonly now: number } {
  return {
    get now() {
      return now();
    },
  };
}

describeStores('A limit store', (newStore) => {
  const lifetime = { key: 'k', window: limitWindow('lifetime') };
  const claim: LimitClaim = { ...lifetime, amount: 4, limit: 10, elastic: false };
  const request = { group: 'limits', leaseMs: 60_000, instance: 'test', claims: [claim] };

  it('rejects the repeated request of a settled reservation', async () => {
    const store = newStore({ now: START });
    const { at } = (await store.reserve({ ...request, id: 'a' })) as LimitGrant;
    await store.settle({ group: 'limits', id: 'a', at, claims: [{ ...claim, used: 3 }] });

    await expect(store.reserve({ ...request, id: 'a' })).rejects.toThrow(
      'settled before it was made',
    );
  });
});
