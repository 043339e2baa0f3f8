import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { CostLimiter, RateLimiter, type LimitGrant } from 'nestjs-llm-callbacks';
import { RedisLimitStore } from 'nestjs-llm-callbacks/redis';
import { limitWindow, type WindowLength } from '../../src/limits/limit-window.js';
import { closeApps } from '../support/app.js';
import { useRedis } from '../support/limit-stores.js';
import { eventually, startLimited } from '../support/limited.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';
import { describeWithRedis, REDIS_URL } from '../support/services.js';

/** The function by which `ioredis` itself finds nodes. */
const slotOf = createRequire(import.meta.url)('cluster-key-slot') as (key: string) => number;

afterEach(async () => {
  jest.restoreAllMocks();
  await closeApps();
});

function request(id: string, amount: number, length: WindowLength = 'lifetime') {
  const window = limitWindow(length);
  const claim = { key: 'k', window, amount, limit: 10, elastic: false };
  return { group: 'limits', id, leaseMs: 60_000, instance: 'test', claims: [claim] };
}

const COUNTER = [{ key: 'k', window: limitWindow('lifetime') }];

describeWithRedis('A Redis limit store', () => {
  const redis = useRedis();

  it('has all keys of a call in one slot of a cluster', async () => {
    const evalsha = jest.spyOn(redis.client, 'evalsha');
    const store = redis.store();
    const limits = [
      { maxCost: 1 },
      { maxCost: 1, per: 'user', window: 'day' } as const,
      { maxCost: 1, per: 'tenant', window: 60_000 } as const,
    ];
    const limiter = new CostLimiter({ limits, store, name: 'odd {name}:' });
    const { llm } = await startLimited([limiter]);

    await llm.generate('hi', { userId: '{ada}', tenantId: 'acme}' });

    expect(evalsha).toHaveBeenCalledTimes(2);
    for (const [, count, ...args] of evalsha.mock.calls as unknown as [
      string,
      number,
      ...string[],
    ][]) {
      const keys = args.slice(0, count);
      expect(keys.length).toBeGreaterThan(6);
      expect(new Set(keys.map(slotOf)).size).toBe(1);
    }
  });

  it('has all keys of a reset and of a rejection in one slot, and expires rejections', async () => {
    const evalsha = jest.spyOn(redis.client, 'evalsha');
    const limits = [
      { maxCost: 0 },
      { maxCost: 0, window: 'day' } as const,
      { maxCost: 0, window: 60_000 } as const,
    ];
    for (const limit of limits) {
      const limiter = new CostLimiter({
        ...limit,
        per: 'user',
        onThreshold: () => undefined,
        store: redis.store(),
      });
      const { llm } = await startLimited([limiter]);
      await expect(llm.generate('hi', { userId: '{ada}' })).rejects.toThrow('limit $0');
      const marks = (await redis.keys()).filter((key) => key.endsWith(':refused'));
      expect(marks).toHaveLength(1);
      expect(await redis.client.pttl(marks[0]!)).toBeGreaterThan(0);
      await limiter.reset('{ada}');
      expect((await redis.keys()).filter((key) => key.endsWith(':refused'))).toEqual([]);
    }
    // Per limit: a reservation, a rejection and a reset.
    expect(evalsha).toHaveBeenCalledTimes(9);
    for (const [, count, ...args] of evalsha.mock.calls as unknown as [
      string,
      number,
      ...string[],
    ][]) {
      expect(new Set(args.slice(0, count).map(slotOf)).size).toBe(1);
    }
  });

  it('stores only lifetime budgets without expiry', async () => {
    const store = redis.store();
    const { llm } = await startLimited([
      new RateLimiter({ requestsPerMinute: 9, tokensPerMinute: 9_000, store }),
      new CostLimiter({ limits: [{ maxCost: 1, window: 'day' }, { maxCost: 1 }], store }),
    ]);
    await llm.generate('hi');

    const keys = await redis.keys();
    expect(keys.length).toBeGreaterThan(4);
    for (const key of keys) {
      const isLasting = (await redis.client.pttl(key)) < 0;
      expect([key, isLasting]).toEqual([key, key.includes(':lifetime:')]);
    }
  });

  it('corrects a clock that differs from the server’s', async () => {
    const clock = { now: Date.now() };
    jest.spyOn(Date, 'now').mockReturnValue(clock.now + 48 * 3_600_000);
    const store = redis.store();
    const grant = (await store.reserve(request('a', 3, 'day'))) as LimitGrant;
    jest.restoreAllMocks();
    expect(Math.abs(grant.at - Date.now())).toBeLessThan(60_000);
    const counters = [{ key: 'k', window: limitWindow('day') }];
    expect(await store.usage('limits', counters)).toMatchObject([{ reserved: 3 }]);
  });

  it('counts the limiters that have called it', async () => {
    const store = redis.store();
    const grants = [];
    for (const [i, instance] of ['a', 'b', 'a', 'c'].entries()) {
      grants.push(await store.reserve({ ...request(`r${i}`, 1), instance }));
    }
    expect(grants.map((grant) => (grant as LimitGrant).replicas)).toEqual([1, 2, 2, 3]);
  });

  it('does not affect other stores of the same client', async () => {
    const stores = [redis.store(), redis.store()] as const;
    await stores[0].reserve(request('a', 3));
    await stores[1].reserve(request('a', 4));
    expect(await stores[0].usage('limits', COUNTER)).toMatchObject([{ reserved: 3 }]);
    expect(await stores[1].usage('limits', COUNTER)).toMatchObject([{ reserved: 4 }]);
  });

  it('works with a client that prefixes keys', async () => {
    const client = new Redis(REDIS_URL, { keyPrefix: redis.prefix });
    const store = new RedisLimitStore({ client, prefix: 'more:' });
    await store.reserve(request('a', 3));
    expect(await store.usage('limits', COUNTER)).toMatchObject([{ reserved: 3 }]);
    await client.quit();
  });

  it('rejects invalid options by name', () => {
    const { client } = redis;
    expect(() => new RedisLimitStore({ client: {} as never })).toThrow(/give it a `client`/);
    expect(() => new RedisLimitStore({ client, prefix: '{a}' })).toThrow(/without braces/);
    expect(() => new RedisLimitStore({ client, timeoutMs: 0 })).toThrow(/timeoutMs/);
  });
});

describeWithRedisServer('A Redis limit store on a failing Redis', () => {
  let server: RedisServer;
  let client: Redis;
  beforeAll(async () => {
    server = await RedisServer.start();
    client = server.client();
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  it('sends its scripts again to a server that has lost them', async () => {
    const store = new RedisLimitStore({ client, prefix: 'forgotten:' });
    await store.reserve(request('a', 1));
    await client.script('FLUSH');
    await store.reserve(request('b', 1));
    expect(await store.usage('limits', COUNTER)).toMatchObject([{ reserved: 2 }]);
  });

  it('does not wait for a hanging server, and releases its late grants', async () => {
    const store = new RedisLimitStore({ client, prefix: 'hanging:', timeoutMs: 50 });
    await store.reserve(request('a', 1));
    server.signal('SIGSTOP');
    await expect(store.reserve(request('b', 5))).rejects.toThrow('did not answer within 50 ms');
    server.signal('SIGCONT');
    await eventually(async () => {
      const [state] = await store.usage('limits', COUNTER).catch(() => []);
      return state?.reserved === 1;
    });
    await expect(store.reserve(request('b', 5))).rejects.toThrow('settled before it was made');
  });

  it('fails at once while the client has no connection', async () => {
    const store = new RedisLimitStore({ client, prefix: 'away:', timeoutMs: 100 });
    await server.stop();
    await expect(store.reserve(request('a', 1))).rejects.toThrow(/Redis|Connection/);
    await eventually(() => client.status !== 'ready');
    await expect(store.reserve(request('b', 1))).rejects.toThrow(/Redis is away/);
    await server.start();
    await eventually(
      async () => (await store.reserve(request('c', 1)).catch(() => undefined))?.granted === true,
    );
  });
});
