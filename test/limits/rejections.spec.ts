import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  AgentService,
  BudgetExceededError,
  CallbackAbort,
  CallbacksConfigurationError,
  CostLimiter,
  defineTool,
  LimitKeyMissingError,
  LimitStoreUnavailableError,
  LlmService,
  MemoryLimitStore,
  RateLimiter,
  RateLimitExceededError,
  UnknownPriceError,
  type CostLimiterOptions,
  type LimitStore,
} from 'nestjs-llm-callbacks';
import { AdviceLog } from '../../src/limits/store-outage.js';
import { closeApps, startApp } from '../support/app.js';
import { settle } from '../support/gate.js';
import { describeStores } from '../support/limit-stores.js';
import { logs, testLogger } from '../support/logs.js';
import { startLimited } from '../support/limited.js';

afterEach(closeApps);

/** 0.25 dollars per million input tokens, 2 dollars per million output tokens: the prices of small models. */
const SMALL = { fake: { inputPerMillion: 0.25, outputPerMillion: 2 } };

type Ask = (llm: LlmService, options?: object) => Promise<unknown>;
const WAYS: [name: string, ask: Ask][] = [
  ['generate', (llm, options) => llm.generate('hi there', options)],
  ['stream', (llm, options) => llm.stream('hi there', options).response],
];

const AWAY: LimitStore = Object.assign(new MemoryLimitStore(), {
  reserve: () => Promise.reject(new Error('connect ECONNREFUSED')),
});

function kindOf(error: unknown) {
  return {
    isAbort: error instanceof CallbackAbort,
    isBudget: error instanceof BudgetExceededError,
    isRate: error instanceof RateLimitExceededError,
  };
}

describe.each(WAYS)('A call that a limiter cannot check, by %s', (_way, ask) => {
  it.each([
    ['CostLimiter', () => new CostLimiter({ maxCost: 1, store: AWAY })],
    ['RateLimiter', () => new RateLimiter({ requestsPerMinute: 1, store: AWAY })],
    ['CostLimiter', () => new CostLimiter({ maxCost: 1, mode: 'wait', store: AWAY })],
  ])('fails with a specific error while the store of a %s is unavailable', async (name, make) => {
    const { llm, provider } = await startLimited([make()]);
    const error = await ask(llm).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LimitStoreUnavailableError);
    expect(error).toMatchObject({
      name: 'LimitStoreUnavailableError',
      code: 'limit_store_unavailable',
      message: `${name}: its store cannot be used at the moment; try again later.`,
      limiter: name,
      retryable: true,
      cause: expect.objectContaining({ message: 'connect ECONNREFUSED' }),
    });
    expect(kindOf(error)).toEqual({ isAbort: true, isBudget: false, isRate: false });
    expect(provider.requests).toHaveLength(0);
  });

  it.each([
    ['user', () => new CostLimiter({ maxCost: 1, per: 'user' }), 'no userId'],
    ['tenant', () => new RateLimiter({ requestsPerMinute: 1, per: 'tenant' }), 'no tenantId'],
    ['key', () => new CostLimiter({ maxCost: 1, per: () => undefined }), 'no key by the function'],
    ['user', () => new CostLimiter({ maxCost: 1, per: 'user', mode: 'wait' }), 'no userId'],
  ])('fails with a specific error without a %s', async (_what, make, words) => {
    const { llm } = await startLimited([make()]);
    const error = await ask(llm).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LimitKeyMissingError);
    expect(error).toMatchObject({ code: 'limit_key_missing', retryable: false });
    expect((error as Error).message).toContain(words);
    expect(kindOf(error)).toEqual({ isAbort: true, isBudget: false, isRate: false });
  });

  it('fails with a specific error if the price is unknown', async () => {
    const { llm } = await startLimited([new CostLimiter({ maxCost: 1 })], 1, { prices: {} });
    const error = await ask(llm).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnknownPriceError);
    expect(error).toMatchObject({ code: 'unknown_price', retryable: false });
    expect(kindOf(error)).toEqual({ isAbort: true, isBudget: false, isRate: false });
  });
});

describe('The hint that a limiter logs', () => {
  it('is logged again after a minute, on one line', () => {
    Logger.overrideLogger(testLogger);
    const now = jest.spyOn(performance, 'now');
    const advice = new AdviceLog('CostLimiter');
    for (const ms of [0, 59_999, 60_000, 60_001, 120_000]) {
      now.mockReturnValue(ms);
      advice.log(`at ${ms}\nforged`);
    }
    now.mockRestore();
    const lines = logs.splice(0).map(({ message }) => message);
    expect(lines).toEqual([0, 60_000, 120_000].map((ms) => String.raw`at ${ms}\nforged`));
  });

  it('is logged once a minute, whatever the number of calls', async () => {
    const limiter = new CostLimiter({ maxCost: 1, per: 'user', name: 'per user' });
    const { llm } = await startLimited([limiter]);
    for (let i = 0; i < 5; i++) await expect(llm.generate('hi')).rejects.toThrow('no userId');
    expect(logs).toEqual([
      { level: 'error', message: expect.stringMatching(/^per user: the call has no userId/) },
    ]);
  });

  it('is logged for each limiter', async () => {
    for (const name of ['one', 'other']) {
      const { llm } = await startLimited([new CostLimiter({ maxCost: 1, name })], 1, {
        prices: {},
      });
      await expect(llm.generate('hi')).rejects.toBeInstanceOf(UnknownPriceError);
    }
    expect(logs.map(({ message }) => message.split(':')[0])).toEqual(['one', 'other']);
  });
});

it('A limit that is not a valid amount is a configuration error, not a spent budget', async () => {
  const limiter = new CostLimiter({ maxCost: () => Number.NaN });
  const { llm } = await startLimited([limiter]);
  await expect(llm.generate('hi')).rejects.toBeInstanceOf(CallbacksConfigurationError);
});

it('An agent with maxCost fails with UnknownPriceError if the price of its model is unknown', async () => {
  const look = defineTool({ name: 'look', description: 'Looks.', execute: () => 'seen' });
  const { module } = await startApp(
    {},
    {
      answers: [{ toolCalls: [{ name: 'look' }] }, 'never'],
      agent: { tools: [look], maxCost: 1 },
    },
  );
  await expect(module.get(AgentService).run('Look!')).rejects.toBeInstanceOf(UnknownPriceError);
});

describeStores('A rejection', (newStore) => {
  const limiterOf = (options: CostLimiterOptions) =>
    new CostLimiter({ store: newStore(), ...options });

  it.each(WAYS)('reports the maximum amount of the call, by %s', async (_way, ask) => {
    const { llm } = await startLimited([limiterOf({ maxCost: 0.001 })], 3, { prices: SMALL });
    await ask(llm, { maxOutputTokens: 10 });
    // 8 bytes, 4 tokens for the message overhead, and 1,000 of output.
    const error = await ask(llm, { maxOutputTokens: 1_000 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'BudgetExceededError',
      message:
        'CostLimiter: the call may use up to $0.002003; limit $0.001, used $0.000006, reserved $0.',
      limit: 0.001,
      used: 0.000006,
    });
  });

  it('reports the maximum amount of each waiting call separately', async () => {
    const limiter = limiterOf({ maxCost: 1, mode: 'wait', maxQueue: 1 });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const calls = [9, 8, 7].map((maxOutputTokens) => llm.generate('hi', { maxOutputTokens }));
    await expect(calls[2]).rejects.toThrow(
      'the call may use up to $0.7; limit $1, used $0, reserved $0.9. 1 calls wait already.',
    );
    for (let i = 0; i < 2; i++) {
      await provider.asked(i + 1);
      provider.requests[i]!.answer(0);
    }
    await Promise.all(calls.slice(0, 2));
  });
});

describeStores('A call that can never fit', (newStore) => {
  const long = (bytes: number) => 'x'.repeat(bytes);

  it.each(['reject', 'wait'] as const)('is rejected at once, by mode: %s', async (mode) => {
    const store = newStore();
    const limiter = new RateLimiter({ tokensPerMinute: 100, mode, store });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const held = llm.generate('hi', { maxOutputTokens: 10 });
    await provider.asked(1);

    // 101 tokens at eight bytes per token.
    const error = await llm.generate(long(801)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitExceededError);
    expect(error).toMatchObject({
      message:
        'RateLimiter: the call may use up to 4901 tokens; limit 100 tokens, used 0 tokens, reserved 16 tokens (100 tokens a minute). It needs at least 101 tokens, so it can never fit.',
      retryable: false,
    });
    expect((error as RateLimitExceededError).retryAfterMs).toBeUndefined();
    provider.requests[0]!.answer(1);
    await held;
  });

  it('is allowed as long as it may fit, while nothing has been used', async () => {
    const limiter = new RateLimiter({ tokensPerMinute: 100, store: newStore() });
    const { llm } = await startLimited([limiter]);
    expect((await llm.generate(long(800))).text).toBe('word ');
  });

  it('is measured in bytes of all texts, by the price of the model', async () => {
    const dear = { fake: { inputPerMillion: 1_000_000, outputPerMillion: 0 } };
    const limiter = new CostLimiter({ maxCost: 10, store: newStore() });
    const { llm } = await startLimited([limiter], 1, { prices: dear });
    await expect(llm.generate('ä'.repeat(20), { system: long(41) })).rejects.toThrow(
      /at least \$11, so it can never fit/,
    );
    await llm.generate('ä'.repeat(20), { system: long(40) });
  });

  it('names the limit that it can never fit before a limit that is spent', async () => {
    const limits = [
      { maxCost: 0.1, per: 'global' as const },
      { maxCost: 0.05, per: 'user' as const },
    ];
    const dear = { fake: { inputPerMillion: 10_000, outputPerMillion: 100_000 } };
    const limiter = new CostLimiter({ limits, store: newStore() });
    const { llm } = await startLimited([limiter], 1, { prices: dear });
    await llm.generate('hi', { userId: 'bob' });
    // At least six cents.
    await expect(llm.generate(long(48), { userId: 'ada' })).rejects.toMatchObject({
      key: 'ada',
      limit: 0.05,
    });
  });

  it('is rejected by a limit of zero requests', async () => {
    const limiter = new RateLimiter({ requestsPerMinute: 0, mode: 'wait', store: newStore() });
    const { llm } = await startLimited([limiter]);
    await expect(llm.generate('hi')).rejects.toMatchObject({ retryable: false });
  });

  it('does not wait when a limit is lowered below it', async () => {
    const limiter = new RateLimiter({ tokensPerMinute: 1_000, mode: 'wait', store: newStore() });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const first = llm.generate('hi', { maxOutputTokens: 900 });
    await provider.asked(1);
    const second = llm.generate(long(400), { maxOutputTokens: 1 }).catch((error: unknown) => error);
    await settle();
    limiter.update({ tokensPerMinute: 49 });
    expect(String(await second)).toMatch(/at least 50 tokens, so it can never fit/);
    provider.requests[0]!.answer(1);
    await first;
  });
});

describe('onStoreError: local', () => {
  it('counts only its process’s share, so that uneven load exceeds the limit', async () => {
    const store = new MemoryLimitStore();
    const reserve = store.reserve.bind(store);
    const options = { requestsPerMinute: 12, store, onStoreError: 'local', replicas: 2 } as const;
    const [busy, idle] = [
      await startLimited([new RateLimiter(options)]),
      await startLimited([new RateLimiter(options)]),
    ];
    const ask = ({ llm }: typeof busy) => llm.generate('hi').catch(() => undefined);
    for (let i = 0; i < 20; i++) await ask(busy);
    store.reserve = AWAY.reserve.bind(AWAY);
    for (let i = 0; i < 20; i++) await Promise.all([ask(busy), ask(idle)]);
    expect([busy, idle].map(({ provider }) => provider.requests.length)).toEqual([12, 6]);

    store.reserve = reserve;
    await expect(idle.llm.generate('hi')).rejects.toThrow('used 18 requests');
  });
});

describe('A call that can never fit, although the store grants it', () => {
  it.each(['open', 'local'] as const)('is rejected with onStoreError: %s', async (onStoreError) => {
    const limiter = new RateLimiter({ tokensPerMinute: 10, store: AWAY, onStoreError });
    const { llm, provider } = await startLimited([limiter]);
    await expect(llm.generate('x'.repeat(100))).rejects.toThrow(/so it can never fit/);
    expect(provider.requests).toHaveLength(0);
  });

  it('is rejected if the store does not support neverFits, and nothing stays reserved', async () => {
    const store = new MemoryLimitStore();
    const reserve = store.reserve.bind(store);
    store.reserve = (request) =>
      reserve({
        ...request,
        claims: request.claims.map(({ neverFits: _neverFits, ...claim }) => claim),
      });
    const limiter = new RateLimiter({ tokensPerMinute: 10, store });
    const { llm } = await startLimited([limiter]);
    await expect(llm.generate('x'.repeat(100))).rejects.toThrow(/so it can never fit/);
    expect(await limiter.usage()).toMatchObject({ used: 0, reserved: 0 });
  });
});
