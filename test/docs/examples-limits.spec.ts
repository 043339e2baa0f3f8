import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  CallbacksModule,
  CostLimiter,
  LlmService,
  MemoryLimitStore,
  RateLimiter,
  UnknownPriceError,
  type Prices,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { useRedis } from '../support/limit-stores.js';
import { describeWithRedis } from '../support/services.js';
import {
  answer,
  budgets,
  BudgetsModule,
  CarefulModule,
  limiter,
  providerRates,
  sharedLimits,
} from './examples/limits.js';
import { closeAll, listen, start } from './start.js';

/** One dollar per output token. */
const PRICES: Prices = { fake: { inputPerMillion: 0, outputPerMillion: 1_000_000 } };

afterEach(async () => {
  jest.restoreAllMocks();
  await closeAll();
});

function limited(callbacks: object[]) {
  const provider = new FakeLlm(Array.from({ length: 20 }, () => 'four characters a'));
  const root = CallbacksModule.forRoot({
    llm: { provider, model: 'fake' },
    prices: PRICES,
    callbacks,
  });
  return { provider, root };
}

describe('The examples of limits', () => {
  it('are listed in callbacks', async () => {
    const app = await start({ imports: [CarefulModule] });
    // The model of the examples has no price.
    await expect(answer(app.get(LlmService), 'hi')).rejects.toBeInstanceOf(UnknownPriceError);
  });

  it('answer a rejected call', async () => {
    const limits: [object, string][] = [
      [new CostLimiter({ maxCost: 0 }), 'not before tomorrow'],
      [new RateLimiter({ requestsPerMinute: 0 }), 'again in 0 ms'],
    ];
    for (const [limit, words] of limits) {
      const app = await start({ imports: [limited([limit]).root] });
      expect(await answer(app.get(LlmService), 'hi')).toBe(words);
    }
  });

  it('limit each user by the day, and all of them by the month', async () => {
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const limits = budgets(new MemoryLimitStore());
    const app = await start({ imports: [limited([limits]).root] });
    const ask = (options: object) => app.get(LlmService).generate('hi', options);

    await ask({ userId: 'ada' });
    await expect(ask({ userId: 'ada' })).rejects.toMatchObject({ key: 'ada', limit: 1 });
    await ask({ userId: 'bob', tags: ['premium'] });
    await ask({ userId: 'bob', tags: ['premium'] });

    expect(console.warn).toHaveBeenCalledWith('ada: has spent 500 %');
    expect((await limits.usage('bob')).limits).toMatchObject([
      { key: 'bob', used: 10 },
      { key: 'global', used: 15, limit: 1_000 },
    ]);
  });

  it('make calls wait', async () => {
    const app = await start({ imports: [limited([providerRates(new MemoryLimitStore())]).root] });
    const calls = ['a', 'b', 'c'].map((prompt) => app.get(LlmService).generate(prompt));
    expect(await Promise.all(calls)).toHaveLength(3);
  });

  it('are shown, reset and raised over HTTP', async () => {
    const { root, provider } = limited([]);
    const url = await listen({ imports: [root, BudgetsModule] });
    const llm = new URL('budgets/ada', `${url}/`);
    const usage = async () => (await fetch(llm)).json();

    expect(await usage()).toMatchObject({ key: 'ada', used: 0, limit: 1, remaining: 1 });
    await fetch(`${url}/budgets/limit?dollars=2`, { method: 'POST' });
    expect(await usage()).toMatchObject({ limit: 2 });
    await fetch(`${url}/budgets/ada/reset`, { method: 'POST' });
    expect(provider.requests).toHaveLength(0);
    limiter.update({ maxCost: 1 });
  });
});

describeWithRedis('The example of shared limits', () => {
  const redis = useRedis();

  it('counts on Redis', async () => {
    jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const client = redis.client.duplicate({ keyPrefix: redis.prefix });
    const [one, other] = [sharedLimits(client)[0]!, sharedLimits(client)[0]!];
    const app = await start({ imports: [limited([one]).root] });

    await app.get(LlmService).generate('hi', { userId: 'ada' });

    expect(await other.usage('ada')).toMatchObject({ used: 5 });
    await client.quit();
  });
});
