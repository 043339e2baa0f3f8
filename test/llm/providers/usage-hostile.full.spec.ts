import { afterEach, describe, expect, it } from '@jest/globals';
import {
  addUsage,
  BudgetExceededError,
  CostLimiter,
  NO_USAGE,
  type Usage,
} from 'nestjs-llm-callbacks';
import {
  readAnthropicUsage,
  StreamedAnthropicUsage,
} from '../../../src/llm/providers/anthropic/anthropic-usage.js';
import { readOpenAiUsage, usageIn } from '../../../src/llm/providers/openai/openai-usage.js';
import { MAX_TOKENS } from '../../../src/llm/providers/shared/wire-values.js';
import { closeApps } from '../../support/app.js';
import { logs } from '../../support/logs.js';
import { UsageApp, type Api, type UsageAnswer } from '../../support/usage-answers.js';
import { METHODS } from '../../support/wire/index.js';
import { Random } from '../../support/wire/random.js';

const APIS: readonly Api[] = ['chat', 'responses', 'anthropic'];

/** Invalid token counts. */
const NO_COUNTS: unknown[] = [1e300, 1e12, -5, 12.5, 'NaN', '', 'many', {}, [7], true, null];

const NAMES: Record<'chat' | 'other', [input: string, output: string]> = {
  chat: ['prompt_tokens', 'completion_tokens'],
  other: ['input_tokens', 'output_tokens'],
};

const namesOf = (api: Api) => NAMES[api === 'chat' ? 'chat' : 'other'];

/** Whether a usage can be billed, whatever the server sent. */
function isSound(usage: Usage): boolean {
  const { source, ...counts } = usage;
  return (
    Object.values(counts).every((count) => Number.isInteger(count) && count >= 0) &&
    usage.inputTokens <= MAX_TOKENS &&
    usage.outputTokens <= MAX_TOKENS &&
    usage.totalTokens === usage.inputTokens + usage.outputTokens &&
    usage.cachedInputTokens + usage.cacheWriteTokens <= usage.inputTokens &&
    usage.cacheWrite1hTokens <= usage.cacheWriteTokens &&
    usage.reasoningTokens <= usage.outputTokens &&
    (source === 'provider' || source === 'estimated')
  );
}

function expectSound(usage: Usage): void {
  expect({ usage, sound: isSound(usage) }).toEqual({ usage, sound: true });
}

afterEach(closeApps);

describe.each(METHODS)('By %s, a usage', (method) => {
  it.each(APIS)('keeps the valid count beside an invalid one, of %s', async (api) => {
    const app = await UsageApp.start(api);
    const [input, output] = namesOf(api);
    for (const hostile of [...NO_COUNTS, 0]) {
      const inputBad = await app.ask(method, { usage: { [input]: hostile, [output]: 6 } });
      expectSound(inputBad.usage);
      expect(inputBad.usage).toMatchObject({ outputTokens: 6, source: 'estimated' });
      expect(inputBad.usage.inputTokens).toBeGreaterThan(0);
      const outputBad = await app.ask(method, { usage: { [input]: 14, [output]: hostile } });
      expectSound(outputBad.usage);
      expect(outputBad.usage).toMatchObject({ inputTokens: 14, source: 'estimated' });
      expect(outputBad.usage.outputTokens).toBeGreaterThan(2);
    }
    expect(app.costs.totalCost).toBeLessThan(0.01);
    expect(app.costs.unpricedCount).toBe(0);
    expect(app.tokens.totalTokens).toBeLessThan(2_000);
  });

  it.each<[string, Api, object, Partial<Usage>]>([
    [
      'cached tokens above the input',
      'chat',
      { prompt_tokens: 1, completion_tokens: 6, prompt_tokens_details: { cached_tokens: 1e12 } },
      { inputTokens: 1, cachedInputTokens: 0, outputTokens: 6 },
    ],
    [
      'cached and written tokens above the input together',
      'chat',
      {
        prompt_tokens: 100,
        completion_tokens: 6,
        prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 60 },
      },
      { inputTokens: 100, cachedInputTokens: 60, cacheWriteTokens: 0 },
    ],
    [
      'reasoning above the output',
      'responses',
      { input_tokens: 9, output_tokens: 6, output_tokens_details: { reasoning_tokens: 7 } },
      { outputTokens: 6, reasoningTokens: 0 },
    ],
    [
      'a cache read that cannot be right',
      'anthropic',
      { input_tokens: 9, output_tokens: 6, cache_read_input_tokens: 1e12 },
      { inputTokens: 9, cachedInputTokens: 0 },
    ],
    [
      'one-hour writes above all writes',
      'anthropic',
      {
        input_tokens: 9,
        output_tokens: 6,
        cache_creation_input_tokens: 5,
        cache_creation: { ephemeral_1h_input_tokens: 6 },
      },
      { inputTokens: 14, cacheWriteTokens: 5, cacheWrite1hTokens: 0 },
    ],
    [
      'thinking above the output',
      'anthropic',
      { input_tokens: 9, output_tokens: 6, output_tokens_details: { thinking_tokens: 7 } },
      { outputTokens: 6, reasoningTokens: 0 },
    ],
  ])('has no %s', async (_what, api, usage, is) => {
    const app = await UsageApp.start(api);
    const given = await app.ask(method, { usage });
    expect(given.usage).toMatchObject({ ...is, source: 'estimated' });
    expect(given.cost).toBeLessThan(0.001);
  });

  it.each<[string, Api, object]>([
    ['a total', 'chat', { prompt_tokens: 14, completion_tokens: 6, total_tokens: 1e15 }],
    ['a total in words', 'chat', { prompt_tokens: 14, completion_tokens: 6, total_tokens: 'all' }],
    ['an iteration', 'anthropic', { iterations: [{ input_tokens: 1e12, output_tokens: 1 }] }],
    ['a list of iterations', 'anthropic', { iterations: { 0: 'x' } }],
    ['a sum of iterations', 'anthropic', { iterations: [{ input_tokens: 1, output_tokens: 1 }] }],
  ])('ignores %s that cannot be right', async (_what, api, more) => {
    const app = await UsageApp.start(api);
    const usage = { input_tokens: 14, output_tokens: 6, ...more };
    expect((await app.ask(method, { usage })).usage).toMatchObject({
      inputTokens: 14,
      outputTokens: 6,
      totalTokens: 20,
      source: 'provider',
    });
  });

  it.each(APIS)(
    'of zeros is estimated if there is text or a tool call, and never free: %s',
    async (api) => {
      const app = await UsageApp.start(api);
      const [input, output] = namesOf(api);
      for (const says of ['text', 'call'] as const) {
        const answer: UsageAnswer = {
          usage: { [input]: 0, [output]: 0, total_tokens: 0 },
          ...(says === 'call' && { says }),
        };
        const { usage, cost } = await app.ask(method, answer);
        expect(usage.source).toBe('estimated');
        expect(usage.inputTokens).toBeGreaterThan(0);
        expect(usage.outputTokens).toBeGreaterThan(says === 'call' ? 70 : 5);
        expect(cost).toBeGreaterThan(0);
      }
    },
  );

  it.each(APIS)('of zeros is kept when the answer is empty: %s', async (api) => {
    const app = await UsageApp.start(api);
    const [input, output] = namesOf(api);
    const answer = { usage: { [input]: 14, [output]: 0 }, says: 'nothing' as const };
    const { usage, cost } = await app.ask(method, answer);
    expect(usage).toMatchObject({ inputTokens: 14, outputTokens: 0, source: 'provider' });
    expect(cost).toBeCloseTo(14e-6, 12);
    expect(logs).toEqual([]);
  });

  it.each(APIS)('that is missing is estimated from the tool calls, too: %s', async (api) => {
    const app = await UsageApp.start(api);
    const { usage, cost } = await app.ask(method, { usage: undefined, says: 'call' });
    expect(usage.source).toBe('estimated');
    expect(usage.outputTokens).toBeGreaterThan(70);
    expect(cost).toBeGreaterThan(0.0007);
    expect(logs).toEqual([]);
  });

  it.each(APIS)('that is invalid is logged once, without its numbers: %s', async (api) => {
    const app = await UsageApp.start(api);
    const [input, output] = namesOf(api);
    for (let i = 0; i < 3; i++) {
      await app.ask(method, { usage: { [input]: -98765, [output]: 6 } });
    }
    expect(logs).toEqual([{ level: 'warn', message: expect.stringContaining('"house"') }]);
    expect(logs[0]!.message).not.toMatch(/98765|trays/);
    // Another application logs its own warning.
    const other = await UsageApp.start(api);
    await other.ask(method, { usage: { [input]: -98765, [output]: 6 } });
    expect(logs).toHaveLength(2);
  });

  it('that is invalid does not break a budget', async () => {
    const limiter = new CostLimiter({ maxCost: 1, window: 'day' });
    const app = await UsageApp.start('chat', { callbacks: [limiter] });
    for (const hostile of NO_COUNTS) {
      await app.ask(method, {
        usage: {
          prompt_tokens: hostile,
          completion_tokens: hostile,
          total_tokens: hostile,
          prompt_tokens_details: { cached_tokens: hostile },
        },
      });
    }
    const { used, reserved } = await limiter.usage();
    expect(used).toBeGreaterThan(0);
    expect(used).toBeLessThan(0.01);
    expect(reserved).toBe(0);
    limiter.update({ maxCost: 1e-9 });
    await expect(app.ask(method, { usage: null })).rejects.toBeInstanceOf(BudgetExceededError);
  });
});

describe('A stream that is stopped half read', () => {
  it('is billed by the usage reported so far, and never by zeros', async () => {
    const app = await UsageApp.start('chat');
    const chunk = (usage: object) =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hello' } }], usage })}\n\n`;
    const leave = async (usage: object) => {
      app.answers(chunk(usage) + chunk(usage));
      const stream = app.llm.stream('Hi');
      for await (const _ of stream) break;
      return (await stream.response).usage;
    };
    expect(await leave({ prompt_tokens: 7, completion_tokens: 1 })).toMatchObject({
      inputTokens: 7,
      outputTokens: 1,
      source: 'provider',
    });
    const zeros = await leave({ prompt_tokens: 0, completion_tokens: 0 });
    expect(zeros).toMatchObject({ outputTokens: 2, source: 'estimated' });
    expect(zeros.inputTokens).toBeGreaterThan(0);
    expectSound(await leave({ prompt_tokens: 1e300, completion_tokens: 1e300 }));
  });
});

describe('A stream in the Anthropic format', () => {
  it.each<[string, unknown, number]>([
    ['has a zero', { output_tokens: 0 }, 8],
    ['has no usage', null, 8],
    ['has a count that cannot be right', { output_tokens: 1e300 }, 8],
  ])('whose last event %s is not billed by its first event', async (_what, delta, output) => {
    const app = await UsageApp.start('anthropic');
    const start = { input_tokens: 34, output_tokens: 1 };
    const { usage } = await app.ask('stream', { usage: undefined, start, delta });
    expect(usage).toMatchObject({
      inputTokens: 34,
      outputTokens: output,
      source: 'estimated',
    });
  });
});

describe('The sum of usages', () => {
  it('accepts a stored usage without one-hour cache writes', () => {
    const { cacheWrite1hTokens: _, ...stored } = NO_USAGE;
    const usage = { ...NO_USAGE, cacheWrite1hTokens: 3 };
    expect(addUsage(stored as Usage, usage).cacheWrite1hTokens).toBe(3);
  });
});

describe('Reading a usage', () => {
  it('returns valid numbers for 5,000 random objects, and never throws', () => {
    const random = new Random(7);
    const unsound: object[] = [];
    for (let i = 0; i < 5_000; i++) {
      const sent = randomUsage(random);
      const later = randomUsage(random);
      const streamed = new StreamedAnthropicUsage();
      streamed.add(sent, false);
      streamed.add(later, true);
      const usages = [
        readOpenAiUsage(later, readOpenAiUsage(sent)),
        readOpenAiUsage(usageIn({ usage: sent, choices: later })),
        readAnthropicUsage(sent),
        streamed.known,
      ];
      if (!usages.every(isSound)) unsound.push({ sent, later, usages });
    }
    expect(unsound).toEqual([]);
  });
});

const FIELDS = [
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'input_tokens',
  'output_tokens',
  'cached_tokens',
  'reasoning_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'cache_write_tokens',
  'ephemeral_1h_input_tokens',
  'thinking_tokens',
];
const OBJECTS = [
  'prompt_tokens_details',
  'input_tokens_details',
  'completion_tokens_details',
  'output_tokens_details',
  'cache_creation',
];

function randomUsage(random: Random, depth = 0): unknown {
  if (depth > 0 && random.chance(0.1)) return random.pick([null, 'x', 7, []]);
  const usage: Record<string, unknown> = {};
  for (const name of FIELDS) {
    if (random.chance(0.5)) continue;
    usage[name] = random.chance(0.2)
      ? random.pick([...NO_COUNTS, MAX_TOKENS, '12', 49_999_999])
      : random.int(0, random.pick([3, 200, 100_000]));
  }
  if (depth > 0) return usage;
  for (const name of OBJECTS) if (random.chance(0.5)) usage[name] = randomUsage(random, 1);
  if (random.chance(0.3)) {
    usage['iterations'] = [randomUsage(random, 1), randomUsage(random, 1)];
  }
  return usage;
}
