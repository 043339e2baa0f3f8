import { calcPrice } from '@pydantic/genai-prices';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  CallbacksModule,
  CostTracker,
  LlmService,
  type CallbacksModuleOptions,
  type LlmProvider,
  type ProviderResult,
  type Usage,
} from 'nestjs-llm-callbacks';
import { Random } from '../support/wire/random.js';

/** A provider that reports the usage of a test. */
class Dictated implements LlmProvider {
  readonly name = 'dictated';
  usage: Usage = usageOf({});
  model = 'm';

  async generate(): Promise<ProviderResult> {
    const { model, usage } = this;
    const message = { role: 'assistant' as const, content: '' };
    return { id: '1', model, text: '', message, toolCalls: [], finishReason: 'stop', usage };
  }

  async *stream() {
    yield await this.generate();
  }
}

function usageOf(counts: Partial<Usage>): Usage {
  const { inputTokens = 0, outputTokens = 0 } = counts;
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    cacheWrite1hTokens: 0,
    reasoningTokens: 0,
    source: 'provider',
    ...counts,
  };
}

const provider = new Dictated();
let module: TestingModule;

async function start(label: string, prices: CallbacksModuleOptions['prices'] = {}): Promise<void> {
  module = await Test.createTestingModule({
    imports: [CallbacksModule.forRoot({ llm: { provider, model: 'requested', label }, prices })],
    providers: [CostTracker],
  }).compile();
  await module.init();
}

/** The cost of a call with the given answering model and usage. */
async function costOf(
  model: string,
  counts: Partial<Usage>,
  requested = model,
): Promise<number | null> {
  provider.model = model;
  provider.usage = usageOf(counts);
  return (await module.get(LlmService).generate('Hi', { model: requested })).cost;
}

afterEach(() => module.close());

const LISTED: [string, string][] = [
  ['openai', 'gpt-4o-mini'],
  ['openai', 'gpt-5'],
  ['openai', 'o3'],
  ['openai', 'gpt-5.5'],
  ['openai', 'gpt-4o-search-preview'],
  ['anthropic', 'claude-haiku-4-5'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['anthropic', 'claude-3-haiku-20240307'],
  ['google', 'gemini-2.5-pro'],
  ['google', 'gemini-2.5-flash'],
  ['groq', 'llama-3.3-70b-versatile'],
  ['x-ai', 'grok-4'],
];

describe('The cost of a call', () => {
  it.each(LISTED)('matches the price list for random usages: %s %s', async (label, model) => {
    await start(label);
    const random = new Random(model.length);
    for (let i = 0; i < 200; i++) {
      const inputTokens = random.int(0, random.pick([100, 10_000, 600_000]));
      const cachedInputTokens = random.chance(0.5) ? random.int(0, inputTokens) : 0;
      const cacheWriteTokens = random.chance(0.5)
        ? random.int(0, inputTokens - cachedInputTokens)
        : 0;
      // The list has a price for one-hour writes only for Anthropic's models.
      const cacheWrite1hTokens = label === 'anthropic' ? random.int(0, cacheWriteTokens) : 0;
      const outputTokens = random.int(0, 10_000);
      const listed = calcPrice(
        {
          input_tokens: inputTokens,
          cache_read_tokens: cachedInputTokens,
          cache_write_tokens: cacheWriteTokens,
          cache_write_1h_tokens: cacheWrite1hTokens,
          output_tokens: outputTokens,
        },
        model,
        { providerId: label },
      );
      const counts = {
        inputTokens,
        cachedInputTokens,
        cacheWriteTokens,
        cacheWrite1hTokens,
        outputTokens,
      };
      expect({ ...counts, cost: await costOf(model, counts) }).toEqual({
        ...counts,
        cost: expect.closeTo(listed!.total_price, 9),
      });
    }
  });

  it.each<[string, string, number, number]>([
    ['the price list', 'claude-haiku-4-5', 1e6, 2],
    ['twice the input, where the list has no price of them', 'gpt-4o-mini', 1e6, 0.3],
    ['twice the input of the tier, where the list has tiers', 'gpt-5.5', 1e5, 2 * 0.1 * 5],
    ['twice the input of the higher tier', 'gpt-5.5', 1e6, 2 * 1 * 10],
  ])('of one-hour cache writes is calculated by %s', async (_what, model, tokens, cost) => {
    await start(model.startsWith('claude') ? 'anthropic' : 'openai');
    const written = { cacheWriteTokens: tokens, cacheWrite1hTokens: tokens };
    expect(await costOf(model, { inputTokens: tokens, ...written })).toBeCloseTo(cost, 9);
  });

  it('never counts a part beyond its total', async () => {
    await start('openai', { m: { inputPerMillion: 1, outputPerMillion: 1 } });
    const parts = { cachedInputTokens: 1e12, cacheWriteTokens: 1e12, cacheWrite1hTokens: 1e12 };
    expect(await costOf('m', { inputTokens: 1e6, ...parts })).toBeCloseTo(1, 9);
  });

  describe('of an unknown model', () => {
    beforeEach(() => start('openai'));

    it('is null, and counted as unpriced', async () => {
      expect(await costOf('nobody-knows', { inputTokens: 10 })).toBeNull();
      expect(module.get(CostTracker)).toMatchObject({
        totalCost: 0,
        totalTokens: 10,
        requestCount: 1,
        unpricedCount: 1,
      });
      expect(module.get(CostTracker).byModel.get('nobody-knows')).toEqual({
        cost: 0,
        tokens: 10,
        requests: 1,
        unpriced: 1,
      });
    });

    it('is that of the requested model, if its price is known', async () => {
      const cost = await costOf('nobody-knows', { inputTokens: 1_000_000 }, 'gpt-4o-mini');
      expect(cost).toBeCloseTo(0.15, 12);
    });

    it.each(['', '\n', 'x'.repeat(10_000), '__proto__', 'constructor'])(
      'is null for %j',
      async (model) => {
        expect(await costOf(model, { inputTokens: 10 }, 'requested')).toBeNull();
      },
    );
  });

  describe('with prices of the application', () => {
    beforeEach(() =>
      start('openai', {
        'gpt-4o-mini': { inputPerMillion: 10, outputPerMillion: 20 },
        'openai/own': {
          inputPerMillion: 1,
          outputPerMillion: 2,
          cachedInputPerMillion: 0.1,
          cacheWritePerMillion: 3,
          cacheWrite1hPerMillion: 5,
        },
        own: { inputPerMillion: 1_000, outputPerMillion: 1_000 },
        free: { inputPerMillion: 0, outputPerMillion: 0 },
      }),
    );

    it.each<[string, string, Partial<Usage>, number]>([
      ['over the price list', 'gpt-4o-mini', { inputTokens: 1e6, outputTokens: 1e6 }, 30],
      ['with the provider before without', 'own', { inputTokens: 1e6, outputTokens: 1e6 }, 3],
      [
        'of cached and written input',
        'own',
        { inputTokens: 3e6, cachedInputTokens: 1e6, cacheWriteTokens: 1e6 },
        1 + 0.1 + 3,
      ],
      [
        'of input for cached input',
        'gpt-4o-mini',
        { inputTokens: 1e6, cachedInputTokens: 1e6 },
        10,
      ],
      [
        'of one-hour cache writes',
        'own',
        { inputTokens: 3e6, cacheWriteTokens: 2e6, cacheWrite1hTokens: 1e6 },
        1 + 3 + 5,
      ],
      [
        'of twice the input for one-hour cache writes',
        'gpt-4o-mini',
        { inputTokens: 1e6, cacheWriteTokens: 1e6, cacheWrite1hTokens: 1e6 },
        20,
      ],
      ['of nothing', 'free', { inputTokens: 1e6 }, 0],
    ])('is %s', async (_what, model, counts, cost) => {
      expect(await costOf(model, counts)).toBeCloseTo(cost, 9);
    });

    it('is that of the requested model when the answering one has none', async () => {
      expect(await costOf('own-2026-11-01', { inputTokens: 1e6 }, 'own')).toBeCloseTo(1, 9);
    });
  });

  it('is zero for a call without usage, even of an unknown model', async () => {
    await start('openai');
    expect(await costOf('nobody-knows', {})).toBe(0);
  });
});
