import { randomUUID } from 'node:crypto';
import { afterEach, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { CostLimiter, type LimitStore } from 'nestjs-llm-callbacks';
import { RedisLimitStore } from 'nestjs-llm-callbacks/redis';
import { closeApps, startApp } from '../support/app.js';
import { dropRedisKeys } from '../support/job-stores.js';
import { freePort } from '../support/redis-server.js';
import { describeWithRedis, REDIS_URL } from '../support/services.js';

afterEach(closeApps);

const prices = { fake: { inputPerMillion: 1, outputPerMillion: 1 } };

/** A URL whose connections are listed by name on the server. */
function named(): { url: string; open: () => Promise<number>; end: () => Promise<unknown> } {
  const name = `test-${randomUUID()}`;
  const admin = new Redis(REDIS_URL);
  const open = async () => {
    const list = String(await admin.client('LIST'));
    return list.split(`name=${name} `).length - 1;
  };
  return { url: `${REDIS_URL}?connectionName=${name}`, open, end: () => admin.quit() };
}

function limited(store: LimitStore) {
  return new CostLimiter({ maxCost: 1, name: 'own-client', store });
}

describeWithRedis('A RedisLimitStore with a url', () => {
  it.each<[string, (limiter: CostLimiter) => Parameters<typeof startApp>]>([
    ['a list of callbacks', (limiter) => [{}, { prices, callbacks: [limiter] }]],
    [
      'a provider',
      (limiter) => [{ providers: [{ provide: CostLimiter, useValue: limiter }] }, { prices }],
    ],
  ])(
    'opens a connection at first use, and closes it with the application: %s',
    async (_, appOf) => {
      const prefix = `test-${randomUUID()}:`;
      const { url, open, end } = named();
      const store = new RedisLimitStore({ url, prefix });
      const { module, llm } = await startApp(...appOf(limited(store)));
      expect(await open()).toBe(0);
      await llm.generate('hi');
      expect(await open()).toBe(1);
      await module.close();
      expect(await open()).toBe(0);

      // Another application may use the store as well.
      const other = await startApp({}, { prices, callbacks: [limited(store)] });
      await other.llm.generate('hi');
      expect(await open()).toBe(1);
      await other.module.close();
      expect(await open()).toBe(0);
      await end();
      await dropRedisKeys(prefix);
    },
  );

  it('does not close a client that was passed to it', async () => {
    const prefix = `test-${randomUUID()}:`;
    const client = new Redis(REDIS_URL);
    const { module, llm } = await startApp(
      {},
      { prices, callbacks: [limited(new RedisLimitStore({ client, prefix }))] },
    );
    await llm.generate('hi');
    await module.close();
    expect(await client.ping()).toBe('PONG');
    await client.quit();
    await dropRedisKeys(prefix);
  });

  it('stops reconnecting when the application closes', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const disconnecting = jest.spyOn(Redis.prototype, 'disconnect');
    const store = new RedisLimitStore({ url, timeoutMs: 50 });
    const { module, llm } = await startApp({}, { prices, callbacks: [limited(store)] });
    await expect(llm.generate('hi')).rejects.toThrow(/store/i);
    await module.close();
    // This clears the timer of the next attempt.
    expect(disconnecting).toHaveBeenCalledTimes(1);
    disconnecting.mockRestore();
  });

  it('is rejected if it is invalid', () => {
    const refused = (options: object) => () => new RedisLimitStore(options);
    expect(refused({})).toThrow(/give it a `client` of ioredis, or the `url` of a server/);
    expect(refused({ url: '127.0.0.1:6379' })).toThrow(/url must be like redis:/);
    expect(refused({ url: REDIS_URL, client: {} })).toThrow(/not both/);
  });
});
