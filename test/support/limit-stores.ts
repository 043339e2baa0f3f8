import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { Redis } from 'ioredis';
import { MemoryLimitStore, type LimitStore } from 'nestjs-llm-callbacks';
import { RedisLimitStore } from 'nestjs-llm-callbacks/redis';
import { describeWithRedis, REDIS_URL } from './services.js';

/** 2027-01-15 08:00 UTC, and a clock that tests advance. */
export const START = Date.UTC(2027, 0, 15, 8);

/** Creates independent stores with the clock of a test or, without one, with the real clock. */
export type NewStore = (clock?: { now: number }) => LimitStore;

/** The same tests for every store. */
export function describeStores(name: string, tests: (newStore: NewStore) => void): void {
  // oxlint-disable-next-line jest/valid-title -- tests call this function instead
  describe(`${name}, in memory`, () => {
    tests((clock) => new MemoryLimitStore(clock && { now: () => clock.now }));
  });
  describeWithRedis(`${name}, on Redis`, () => {
    const redis = useRedis();
    tests((clock) => redis.store(clock));
  });
}

class ClockedStore extends RedisLimitStore {
  clock: { readonly now: number } | undefined;

  protected override time(): number | undefined {
    return this.clock?.now;
  }
}

/** A client for the tests of a file; its keys are removed after them. */
export function useRedis(url = REDIS_URL) {
  const prefix = `test:${randomUUID()}:`;
  let stores = 0;
  const newPrefix = () => `${prefix}${stores++}:`;
  const redis = {
    client: undefined as unknown as Redis,
    prefix,
    /** A prefix for a store of its own. */
    newPrefix,
    store(clock?: { readonly now: number }, at = newPrefix()): RedisLimitStore {
      const store = new ClockedStore({ client: redis.client, prefix: at });
      store.clock = clock;
      return store;
    },
    /** The remaining keys. */
    async keys(): Promise<string[]> {
      const keys: string[] = [];
      for await (const page of redis.client.scanStream({ match: `${prefix}*`, count: 1_000 })) {
        keys.push(...(page as string[]));
      }
      return keys;
    },
  };
  beforeAll(() => {
    redis.client = new Redis(url);
  });
  afterAll(async () => {
    const keys = await redis.keys();
    if (keys.length > 0) await redis.client.unlink(...keys);
    await redis.client.quit();
  });
  return redis;
}
