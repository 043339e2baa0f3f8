import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BudgetExceededError,
  CostLimiter,
  NO_USAGE,
  type CallbacksModuleOptions,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

const usage = { ...NO_USAGE, inputTokens: 1_000, outputTokens: 100, totalTokens: 1_100 };
/** At the price of gpt-5-mini. */
const COST = 0.00045;
const LIMIT = 0.001;

function start(options: CallbacksModuleOptions) {
  return startApp({}, { ...options, callbacks: [new CostLimiter({ maxCost: LIMIT })] });
}

describe('A CostLimiter with a FakeLlm', () => {
  const fake = () => new FakeLlm(() => ({ text: 'hi', usage }));
  const ask = { maxOutputTokens: 100 };

  it.each<[string, () => CallbacksModuleOptions]>([
    [
      'the label and the model of another one',
      () => ({ llm: { provider: fake(), label: 'openai', model: 'gpt-5-mini' } }),
    ],
    [
      'a price of its own',
      () => ({
        llm: { provider: fake(), model: 'fake' },
        prices: { 'fake/fake': { inputPerMillion: 0.25, outputPerMillion: 2 } },
      }),
    ],
  ])('counts by %s', async (_what, options) => {
    const { llm } = await start(options());
    expect((await llm.generate('hi', ask)).cost).toBeCloseTo(COST, 9);
    await llm.generate('hi', ask);
    await expect(llm.generate('hi', ask)).rejects.toBeInstanceOf(BudgetExceededError);
  });

  it('rejects a model without a price', async () => {
    const { llm } = await start({ llm: { provider: fake(), model: 'fake' } });
    await expect(llm.generate('hi', ask)).rejects.toThrow(/price/);
  });
});
