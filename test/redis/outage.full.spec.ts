import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  BudgetExceededError,
  CostLimiter,
  LimitStoreUnavailableError,
  LlmService,
  RateLimiter,
  RateLimitExceededError,
  type LimiterOptions,
} from 'nestjs-llm-callbacks';
import { RedisLimitStore } from 'nestjs-llm-callbacks/redis';
import { closeApps } from '../support/app.js';
import { logs } from '../support/logs.js';
import { eventually, startLimited } from '../support/limited.js';
import { describeWithRedisServer, RedisServer } from '../support/redis-server.js';

afterEach(closeApps);

const ASK = { maxOutputTokens: 1 };

/** The outcomes of concurrent calls: answered, rejected by the limit, or failed because the store is unavailable. */
async function outcomes(llm: LlmService, count: number) {
  const settled = await Promise.allSettled(
    Array.from({ length: count }, () => llm.generate('hi', ASK)),
  );
  const errors = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
  const away = errors.filter(({ cause }) => cause !== undefined).length;
  return { answered: count - errors.length, refused: errors.length - away, away };
}

describeWithRedisServer('A limiter during a Redis outage', () => {
  let server: RedisServer;
  let client: Redis;
  let tests = 0;
  beforeAll(async () => {
    server = await RedisServer.start();
    client = server.client();
  });
  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  const store = () => new RedisLimitStore({ client, prefix: `outage${tests++}:`, timeoutMs: 500 });

  async function goAway() {
    await server.stop();
    await eventually(() => client.status !== 'ready');
  }
  async function comeBack() {
    await server.start();
    await eventually(() => client.status === 'ready');
  }

  it('rejects calls with onStoreError: closed, with the reason, and logs it once', async () => {
    const limiter = new CostLimiter({ maxCost: 10, store: store() });
    const { llm, provider } = await startLimited([limiter]);
    await llm.generate('hi', ASK);
    await goAway();

    const refused = await llm.generate('hi', ASK).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(LimitStoreUnavailableError);
    expect(refused).not.toBeInstanceOf(BudgetExceededError);
    expect(refused).toMatchObject({
      message: 'CostLimiter: its store cannot be used at the moment; try again later.',
      code: 'limit_store_unavailable',
      retryable: true,
      cause: expect.any(Error),
    });
    expect(await outcomes(llm, 5)).toEqual({ answered: 0, refused: 0, away: 5 });
    expect(provider.requests).toHaveLength(1);
    expect(logs.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^The store of CostLimiter cannot be used; .* calls are refused: /),
    ]);

    await comeBack();
    expect(await outcomes(llm, 5)).toEqual({ answered: 5, refused: 0, away: 0 });
    expect(logs[1]!.message).toMatch(/can be used again; 6 times it could not/);
  });

  it('allows calls with onStoreError: open, and counts them afterwards', async () => {
    const limiter = new CostLimiter({ maxCost: 0.5, store: store(), onStoreError: 'open' });
    const { llm } = await startLimited([limiter]);
    await goAway();
    expect(await outcomes(llm, 8)).toEqual({ answered: 8, refused: 0, away: 0 });
    await comeBack();

    expect(await outcomes(llm, 2)).toEqual({ answered: 0, refused: 2, away: 0 });
    expect(await limiter.usage()).toMatchObject({ used: 0.8, reserved: 0 });
  });

  it('enforces its share of the limit with onStoreError: local, which N processes do not exceed together', async () => {
    const options = { requestsPerMinute: 12, store: store(), onStoreError: 'local' as const };
    const apps = await Promise.all([1, 2, 3].map(() => startLimited([new RateLimiter(options)])));
    // So that the limiters are counted.
    for (const { llm } of [...apps, ...apps]) await llm.generate('hi');
    await goAway();

    const outage = await Promise.all(apps.map(({ llm }) => outcomes(llm, 20)));

    // A third of 12 each, two of which each has used before.
    expect(outage.map(({ answered }) => answered)).toEqual([2, 2, 2]);
    expect(apps.flatMap(({ provider }) => provider.requests)).toHaveLength(12);
    await comeBack();
  });

  it('divides by `replicas` if set', async () => {
    const options = { requestsPerMinute: 12, replicas: 4, onStoreError: 'local' as const };
    await goAway();
    const { llm } = await startLimited([new RateLimiter({ ...options, store: store() })]);

    expect(await outcomes(llm, 5)).toEqual({ answered: 3, refused: 2, away: 0 });
    await expect(llm.generate('hi')).rejects.toBeInstanceOf(RateLimitExceededError);
    await comeBack();
  });

  it('counts the usage of a call whose settlement did not reach the store', async () => {
    const limiter = new CostLimiter({ maxCost: 1, store: store(), leaseMs: 300 });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const call = llm.generate('hi', ASK);
    await provider.asked(1);
    await goAway();
    provider.requests[0]!.answer(1);
    expect((await call).text).toBe('word ');
    await comeBack();

    // This needs no further call.
    await eventually(async () => (await limiter.usage()).used === 0.1);
  });

  it.each<NonNullable<LimiterOptions['onStoreError']>>(['closed', 'open', 'local'])(
    'lets no call hang under load with onStoreError: %s',
    async (onStoreError) => {
      const limiter = new RateLimiter({ requestsPerMinute: 1e6, store: store(), onStoreError });
      const { llm, provider } = await startLimited([limiter]);
      const counts = { answered: 0, refused: 0, away: 0 };
      const load = { isOver: false };
      const callers = Array.from({ length: 20 }, async () => {
        while (!load.isOver) {
          const { answered, refused, away } = await outcomes(llm, 1);
          counts.answered += answered;
          counts.refused += refused;
          counts.away += away;
          // Otherwise calls without I/O would leave no time for timers and sockets.
          await new Promise(setImmediate);
        }
      });
      for (let i = 0; i < 2; i++) {
        const before = counts.answered;
        await eventually(() => counts.answered > before + 50);
        await goAway();
        const [answered, away] = [counts.answered, counts.away];
        await eventually(() =>
          onStoreError === 'closed' ? counts.away > away + 50 : counts.answered > answered + 50,
        );
        await comeBack();
      }
      const before = counts.answered;
      await eventually(() => counts.answered > before + 50);
      load.isOver = true;
      await Promise.all(callers);

      expect(counts.refused).toBe(0);
      expect(counts.away > 0).toBe(onStoreError === 'closed');
      expect(provider.requests).toHaveLength(counts.answered);
    },
  );

  it('rejects waiting calls when the store becomes unavailable', async () => {
    const limiter = new CostLimiter({ maxCost: 1, mode: 'wait', store: store() });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const first = llm.generate('hi', { maxOutputTokens: 9 });
    await provider.asked(1);
    const second = llm.generate('hi', { maxOutputTokens: 9 });
    second.catch(() => undefined);
    await goAway();

    await expect(second).rejects.toMatchObject({ cause: expect.any(Error) });
    provider.requests[0]!.answer(0);
    await first;
    await comeBack();
  });
});
