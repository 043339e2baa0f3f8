import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BudgetExceededError,
  CallbacksModule,
  LlmAbortedError,
  LlmService,
  type Prices,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { CostLimit } from './examples/recipes/cost-limit.js';
import { CallsPerMinute } from './examples/recipes/rate-limit.js';
import { around, closeAll, logged, start } from './start.js';

/** One dollar per token. */
const PRICES: Prices = { fake: { inputPerMillion: 1_000_000, outputPerMillion: 1_000_000 } };

afterEach(closeAll);

describe('The recipe of cost limiting', () => {
  it('returns the answer that exceeds the budget, and rejects the next call unsent', async () => {
    const provider = new FakeLlm(['paid for', 'never asked']);
    const app = await start({
      imports: [CallbacksModule.forRoot({ llm: { provider, model: 'fake' }, prices: PRICES })],
      providers: [{ provide: CostLimit, useValue: new CostLimit(1) }],
    });
    const llm = app.get(LlmService);

    const paid = await llm.generate('first');
    expect(paid.text).toBe('paid for');
    expect(paid.cost).toBeGreaterThan(1);
    await expect(llm.generate('second')).rejects.toBeInstanceOf(BudgetExceededError);
    expect(provider.requests).toHaveLength(1);
  });
});

describe('The recipe of rate limiting', () => {
  it('delays calls until their turn', async () => {
    const WINDOW_MS = 60;
    const app = await start({
      imports: [around(['1', '2', '3', '4', '5'])],
      providers: [{ provide: CallsPerMinute, useValue: new CallsPerMinute(2, WINDOW_MS) }],
    });
    const llm = app.get(LlmService);

    const begun = performance.now();
    const responses = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((one) => llm.generate(one)));

    // Two at once, two in the next window, one in the third.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(2 * WINDOW_MS);
    expect(responses.map(({ text }) => text).toSorted()).toEqual(['1', '2', '3', '4', '5']);
  });

  it('stops waiting when the call is aborted', async () => {
    const app = await start({
      imports: [around(['1', '2'])],
      providers: [{ provide: CallsPerMinute, useValue: new CallsPerMinute(1) }],
    });
    const llm = app.get(LlmService);
    await llm.generate('first');

    const leaving = new AbortController();
    const second = llm.generate('second', { signal: leaving.signal });
    leaving.abort();

    await expect(second).rejects.toBeInstanceOf(LlmAbortedError);
    expect(logged).toEqual([]);
  });

  it('does not wait for a call that was rejected before', async () => {
    const app = await start({
      imports: [around(['1', '2'], { prices: PRICES })],
      providers: [
        { provide: CallsPerMinute, useValue: new CallsPerMinute(1) },
        { provide: CostLimit, useValue: new CostLimit(1) },
      ],
    });
    const llm = app.get(LlmService);
    await llm.generate('first');

    await expect(llm.generate('second')).rejects.toBeInstanceOf(BudgetExceededError);
  });
});
