import { afterEach, expect, it } from '@jest/globals';
import {
  CostLimiter,
  LlmAbortedError,
  RateLimiter,
  RateLimitExceededError,
  type LimitStore,
  type RateLimiterOptions,
} from 'nestjs-llm-callbacks';
import { defer } from '../../src/util/promises.js';
import { closeApps } from '../support/app.js';
import { settle } from '../support/gate.js';
import { describeStores, START } from '../support/limit-stores.js';
import { eventually, startLimited } from '../support/limited.js';

afterEach(closeApps);

describeStores('A rate limiter', (newStore) => {
  const limiterOf = (options: RateLimiterOptions) =>
    new RateLimiter({ store: newStore(), ...options });

  it('rejects requests beyond its rate, with the time to retry after', async () => {
    const clock = { now: START };
    const limiter = limiterOf({ requestsPerMinute: 2, store: newStore(clock) });
    const { llm, provider } = await startLimited([limiter]);
    await llm.generate('1');
    clock.now += 30_000;
    await llm.generate('2');

    const refused = await llm.generate('3').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RateLimitExceededError);
    expect(refused).toMatchObject({
      message:
        'RateLimiter: the call may use up to 1 request; limit 2 requests, used 2 requests, reserved 0 requests (2 requests a minute).',
      retryable: true,
      retryAfterMs: 31_000,
      limit: 2,
      used: 2,
    });
    expect(provider.requests).toHaveLength(2);

    clock.now += 31_000;
    await llm.generate('4');
    await expect(llm.generate('5')).rejects.toMatchObject({ retryAfterMs: 30_000 });
  });

  it('counts input and output tokens', async () => {
    const limiter = limiterOf({ tokensPerMinute: 100 });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    // Two bytes, four for the message overhead, and the output.
    const call = llm.generate('hi', { maxOutputTokens: 60 });
    await provider.asked(1);
    expect(await limiter.usage()).toMatchObject({ reserved: 66, used: 0 });
    await expect(llm.generate('hi', { maxOutputTokens: 60 })).rejects.toBeInstanceOf(
      RateLimitExceededError,
    );
    provider.requests[0]!.answer(20);
    await call;
    expect(await limiter.usage()).toMatchObject({ reserved: 0, used: 20 });
  });

  it('assumes an output length if no limit is set, and takes the remaining tokens', async () => {
    const limiter = limiterOf({ tokensPerMinute: 100, assumedOutputTokens: 64 });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const calls = [llm.generate('hi'), llm.generate('hi')];
    await provider.asked(2);
    expect((await limiter.usage()).reserved).toBe(100);
    await expect(llm.generate('hi')).rejects.toBeInstanceOf(RateLimitExceededError);
    for (const request of provider.requests) request.answer(1);
    await Promise.all(calls);
  });

  it('limits requests and tokens at once, all or nothing', async () => {
    const limiter = limiterOf({ requestsPerMinute: 10, tokensPerMinute: 100 });
    const { llm } = await startLimited([limiter], 50);
    await llm.generate('hi', { maxOutputTokens: 60 });
    await expect(llm.generate('hi', { maxOutputTokens: 60 })).rejects.toThrow(
      /100 tokens a minute/,
    );
    const usage = await limiter.usage();
    expect(usage).toMatchObject({ unit: 'tokens', used: 50 });
    expect(usage.limits).toMatchObject([
      { unit: 'requests', used: 1 },
      { unit: 'tokens', used: 50 },
    ]);
  });

  it('permanently rejects a call without a key', async () => {
    const { llm } = await startLimited([limiterOf({ requestsPerMinute: 5, per: 'user' })]);
    await expect(llm.generate('hi')).rejects.toMatchObject({
      code: 'limit_key_missing',
      retryable: false,
    });
  });

  it('allows no more concurrent requests than in a minute', async () => {
    const { llm, provider } = await startLimited([limiterOf({ requestsPerMinute: 5 })]);
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => llm.generate('hi')));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    expect(provider.requests).toHaveLength(5);
  });
});

describeStores('A limiter with waiting calls', (newStore) => {
  const waiting = (maxQueue = 100) =>
    new CostLimiter({ maxCost: 1, mode: 'wait', maxQueue, store: newStore() });
  const half = { maxOutputTokens: 5 };
  /** A store that emits an event for each request, and answers when the test lets it. */
  function slowStore() {
    const [store, asked, granted] = [newStore(), defer<void>(), defer<void>()];
    const slow: LimitStore = {
      reserve: async (request) => {
        asked.resolve();
        const outcome = await store.reserve(request);
        await granted.promise;
        return outcome;
      },
      settle: (settlement) => store.settle(settlement),
      renew: (...held) => store.renew(...held),
      usage: (...counters) => store.usage(...counters),
      reset: (...counters) => store.reset(...counters),
    };
    return { store, slow, asked, granted };
  }

  it('allows them in order of arrival', async () => {
    const { llm, provider } = await startLimited([waiting()], 'by hand');
    const calls = ['1', '2', '3', '4', '5'].map((prompt) => llm.generate(prompt, half));
    for (let i = 0; i < 5; i++) {
      await provider.asked(i + 1);
      provider.requests[i]!.answer(0);
    }
    await Promise.all(calls);
    const prompts = provider.requests.map(({ request }) => request.messages[0]!.content);
    expect(prompts).toEqual(['1', '2', '3', '4', '5']);
  });

  it('does not let a small call overtake a large one', async () => {
    const { llm, provider } = await startLimited([waiting()], 'by hand');
    const calls = [8, 9, 1].map((maxOutputTokens, i) =>
      llm.generate(String(i), { maxOutputTokens }),
    );
    await provider.asked(1);
    provider.requests[0]!.answer(0);
    await provider.asked(2);
    expect(provider.requests[1]!.request.messages[0]!.content).toBe('1');
    for (const at of [1, 2]) {
      await provider.asked(at + 1);
      provider.requests[at]!.answer(0);
    }
    await Promise.all(calls);
  });

  it('does not block calls of another key', async () => {
    const limiter = new CostLimiter({ maxCost: 1, per: 'user', mode: 'wait', store: newStore() });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const [ada, bob] = [
      { maxOutputTokens: 9, userId: 'ada' },
      { maxOutputTokens: 9, userId: 'bob' },
    ];
    const calls = [llm.generate('1', ada), llm.generate('2', ada), llm.generate('3', bob)];
    await provider.asked(2);
    expect(provider.requests[1]!.request.messages[0]!.content).toBe('3');
    provider.requests[0]!.answer(0);
    await provider.asked(3);
    for (const request of provider.requests) request.answer(0);
    await Promise.all(calls);
  });

  it('removes an aborted call, and does not count its wait', async () => {
    const limiter = waiting();
    const { llm, provider, recording } = await startLimited([limiter], 'by hand');
    const leaving = new AbortController();
    const first = llm.generate('1', { maxOutputTokens: 9 });
    await provider.asked(1);
    const second = llm.generate('2', { maxOutputTokens: 9, signal: leaving.signal });
    const third = llm.generate('3', { maxOutputTokens: 9 });
    leaving.abort();
    await expect(second).rejects.toBeInstanceOf(LlmAbortedError);
    expect(recording.of('llm.error')[0]!.attempts).toEqual([]);

    provider.requests[0]!.answer(0);
    await provider.asked(2);
    provider.requests[1]!.answer(0);
    await Promise.all([first, third]);
    expect(provider.requests[1]!.request.messages[0]!.content).toBe('3');
    expect((await limiter.usage()).reserved).toBe(0);
  });

  it('releases the grant of a call that was aborted meanwhile', async () => {
    const { slow, asked, granted } = slowStore();
    const limiter = new CostLimiter({ maxCost: 1, mode: 'wait', store: slow });
    const { llm, provider } = await startLimited([limiter]);
    const leaving = new AbortController();
    const call = llm.generate('hi', { ...half, signal: leaving.signal });
    await asked.promise;
    leaving.abort();
    await expect(call).rejects.toBeInstanceOf(LlmAbortedError);
    expect((await limiter.usage()).reserved).toBe(0.5);

    granted.resolve();

    await eventually(async () => (await limiter.usage()).reserved === 0);
    expect(provider.requests).toHaveLength(0);
  });

  it('keeps no place for a call aborted during the store request', async () => {
    const { store, slow, asked, granted } = slowStore();
    const options = { maxCost: 1, window: 'month', mode: 'wait', maxQueue: 1 } as const;
    const limiter = new CostLimiter({ ...options, store: slow });
    const { llm } = await startLimited([], 10);
    await llm.generate('1', { callbacks: [new CostLimiter({ ...options, store })] });
    const leaving = new AbortController();
    const left = llm.generate('2', { callbacks: [limiter], signal: leaving.signal });
    await asked.promise;
    leaving.abort();
    await expect(left).rejects.toBeInstanceOf(LlmAbortedError);
    granted.resolve();
    await settle();

    const next = llm.generate('3', { callbacks: [limiter] });
    await settle();
    await limiter.reset();
    await next;
  });

  it('rejects calls when the queue is full', async () => {
    const { llm, provider } = await startLimited([waiting(2)], 'by hand');
    const calls = ['1', '2', '3', '4', '5'].map((prompt) =>
      llm.generate(prompt, { maxOutputTokens: 9 }),
    );
    await expect(calls[3]).rejects.toThrow(/2 calls wait already/);
    await expect(calls[4]).rejects.toThrow(/2 calls wait already/);
    await expect(llm.generate('6', half)).rejects.toThrow(/2 calls wait already/);
    for (let i = 0; i < 3; i++) {
      await provider.asked(i + 1);
      provider.requests[i]!.answer(0);
    }
    await Promise.all(calls.slice(0, 3));
  });

  it('rejects a call that would wait forever', async () => {
    const { llm } = await startLimited([waiting()], 10);
    await llm.generate('1');
    await expect(llm.generate('2')).rejects.toMatchObject({ name: 'BudgetExceededError' });
  });

  it('allows them when their window has passed', async () => {
    const limiter = new CostLimiter({ maxCost: 0.1, window: 60, mode: 'wait', store: newStore() });
    const { llm, recording } = await startLimited([limiter]);
    const begun = performance.now();
    for (let i = 0; i < 3; i++) await llm.generate('hi', { maxOutputTokens: 1 });
    const took = performance.now() - begun;

    expect(took).toBeGreaterThanOrEqual(2 * 60);
    const [, , last] = recording.of('llm.end');
    expect(last!.durationMs).toBeLessThan(took - 60);
  });

  it('allows them after a reset or an update', async () => {
    const limiter = new CostLimiter({
      maxCost: 1,
      window: 'month',
      mode: 'wait',
      store: newStore(),
    });
    const { llm, provider } = await startLimited([limiter], 10);
    await llm.generate('1');
    const second = llm.generate('2', half);
    await limiter.reset();
    await second;
    const third = llm.generate('3', half);
    limiter.update({ maxCost: 50 });
    await third;
    expect(provider.requests).toHaveLength(3);
  });

  it('makes streams wait as well', async () => {
    const { llm, provider } = await startLimited([waiting()], 'by hand');
    const first = llm.generate('1', { maxOutputTokens: 9 });
    await provider.asked(1);
    const second = llm.stream('2', { maxOutputTokens: 9 }).response;
    provider.requests[0]!.answer(0);
    await provider.asked(2);
    provider.requests[1]!.answer(1);
    expect((await second).text).toBe('word ');
    await first;
  });
});
