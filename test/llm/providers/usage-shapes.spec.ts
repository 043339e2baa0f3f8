import { afterEach, describe, expect, it } from '@jest/globals';
import type { Usage } from 'nestjs-llm-callbacks';
import { closeApps } from '../../support/app.js';
import { UsageApp, type Api, type Place } from '../../support/usage-answers.js';
import { METHODS } from '../../support/wire/index.js';

/** The usage that a server sends, the normalized usage, and its cost in millionths of a dollar. */
interface Shape {
  readonly server: string;
  readonly api: Api;
  readonly place?: Place;
  readonly usage: object;
  /** Anthropic: the usage of `message_start`, if it is not complete. */
  readonly start?: object;
  readonly is: Partial<Usage>;
  readonly microUsd: number;
}

const NONE = {
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  source: 'provider',
} as const;

const PLAIN = { ...NONE, inputTokens: 120, outputTokens: 5, totalTokens: 125 };
const CACHED = { ...PLAIN, cachedInputTokens: 100 };
const COST_OF_PLAIN = 120 + 50;
const COST_OF_CACHED = 20 + 10 + 50;

const counts = { prompt_tokens: 120, completion_tokens: 5, total_tokens: 125 };
const openAiDetails = {
  prompt_tokens_details: { cached_tokens: 100, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 3, accepted_prediction_tokens: 0 },
};

const SHAPES: Shape[] = [
  {
    server: 'OpenAI',
    api: 'chat',
    usage: { ...counts, ...openAiDetails },
    is: { ...CACHED, reasoningTokens: 3 },
    microUsd: COST_OF_CACHED,
  },
  {
    server: 'Azure',
    api: 'azure',
    usage: { ...counts, ...openAiDetails },
    is: { ...CACHED, reasoningTokens: 3 },
    microUsd: COST_OF_CACHED,
  },
  {
    server: "OpenAI's Responses",
    api: 'responses',
    usage: {
      input_tokens: 120,
      input_tokens_details: { cached_tokens: 80, cache_write_tokens: 20 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 3 },
      total_tokens: 125,
    },
    is: { ...PLAIN, cachedInputTokens: 80, cacheWriteTokens: 20, reasoningTokens: 3 },
    microUsd: 20 + 8 + 25 + 50,
  },
  {
    server: 'Anthropic',
    api: 'anthropic',
    usage: {
      input_tokens: 100,
      output_tokens: 20,
      cache_read_input_tokens: 50,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
      output_tokens_details: { thinking_tokens: 12 },
      service_tier: 'standard',
    },
    is: {
      ...NONE,
      inputTokens: 180,
      outputTokens: 20,
      totalTokens: 200,
      cachedInputTokens: 50,
      cacheWriteTokens: 30,
      cacheWrite1hTokens: 20,
      reasoningTokens: 12,
    },
    microUsd: 100 + 5 + 12.5 + 40 + 200,
  },
  {
    server: 'Anthropic, which compacted',
    api: 'anthropic',
    start: { input_tokens: 500, output_tokens: 1 },
    usage: {
      input_tokens: 500,
      output_tokens: 90,
      cache_read_input_tokens: 0,
      iterations: [
        { type: 'compaction', input_tokens: 40_000, output_tokens: 310 },
        { type: 'message', input_tokens: 500, output_tokens: 90, cache_read_input_tokens: 0 },
      ],
    },
    is: { ...NONE, inputTokens: 40_500, outputTokens: 400, totalTokens: 40_900 },
    microUsd: 40_500 + 4_000,
  },
  {
    server: 'Claude on Bedrock',
    api: 'anthropic',
    start: { input_tokens: 120, output_tokens: 2, cache_read_input_tokens: null },
    usage: { input_tokens: 120, output_tokens: 5 },
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
  {
    server: 'Claude on Vertex',
    api: 'anthropic',
    start: { input_tokens: 20, cache_read_input_tokens: 100, output_tokens: 1 },
    usage: { input_tokens: 20, cache_read_input_tokens: 100, output_tokens: 5 },
    is: CACHED,
    microUsd: COST_OF_CACHED,
  },
  {
    server: 'a compatible server with the names of OpenAI',
    api: 'anthropic',
    usage: counts,
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
  {
    server: 'Claude behind a proxy that counts as OpenAI',
    api: 'chat',
    usage: { ...counts, prompt_tokens_details: { cached_tokens: 0 }, cache_read_input_tokens: 100 },
    is: CACHED,
    microUsd: COST_OF_CACHED,
  },
  {
    server: 'Claude behind a proxy that counts as Anthropic',
    api: 'chat',
    usage: {
      prompt_tokens: 20,
      completion_tokens: 5,
      total_tokens: 155,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 30,
    },
    is: {
      ...NONE,
      inputTokens: 150,
      outputTokens: 5,
      totalTokens: 155,
      cachedInputTokens: 100,
      cacheWriteTokens: 30,
    },
    microUsd: 20 + 10 + 37.5 + 50,
  },
  {
    server: "Gemini's compatible endpoint",
    api: 'chat',
    usage: { prompt_tokens: 9, completion_tokens: 12, total_tokens: 321 },
    is: { ...NONE, inputTokens: 9, outputTokens: 312, totalTokens: 321 },
    microUsd: 9 + 3_120,
  },
  {
    server: 'xAI',
    api: 'chat',
    place: 'each',
    usage: {
      prompt_tokens: 40,
      completion_tokens: 6,
      total_tokens: 246,
      completion_tokens_details: { reasoning_tokens: 200 },
    },
    is: { ...NONE, inputTokens: 40, outputTokens: 206, totalTokens: 246, reasoningTokens: 200 },
    microUsd: 40 + 2_060,
  },
  {
    server: 'DeepSeek',
    api: 'chat',
    usage: { ...counts, prompt_cache_hit_tokens: 100, prompt_cache_miss_tokens: 20 },
    is: CACHED,
    microUsd: COST_OF_CACHED,
  },
  {
    server: 'Moonshot',
    api: 'chat',
    place: 'choice',
    usage: { ...counts, cached_tokens: 100 },
    is: CACHED,
    microUsd: COST_OF_CACHED,
  },
  {
    server: 'Mistral',
    api: 'chat',
    usage: { ...counts, prompt_audio_seconds: null },
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
  {
    server: 'Groq',
    api: 'chat',
    place: 'x_groq',
    usage: { ...counts, queue_time: 0.01, total_time: 0.2 },
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
  {
    server: 'OpenRouter',
    api: 'chat',
    usage: {
      ...counts,
      cost: 0.4,
      prompt_tokens_details: { cached_tokens: 80, cache_write_tokens: 20 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
    is: { ...PLAIN, cachedInputTokens: 80, cacheWriteTokens: 20 },
    microUsd: 20 + 8 + 25 + 50,
  },
  {
    server: 'vLLM',
    api: 'chat',
    place: 'each',
    usage: { ...counts, prompt_tokens_details: null },
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
  {
    server: 'sglang, which counts reasoning at the top',
    api: 'chat',
    usage: { ...counts, reasoning_tokens: 3, prompt_tokens_details: null },
    is: { ...PLAIN, reasoningTokens: 3 },
    microUsd: COST_OF_PLAIN,
  },
  { server: 'LocalAI', api: 'chat', usage: counts, is: PLAIN, microUsd: COST_OF_PLAIN },
  { server: 'Ollama', api: 'chat', usage: counts, is: PLAIN, microUsd: COST_OF_PLAIN },
  {
    server: 'llama.cpp',
    api: 'chat',
    usage: { ...counts, prompt_tokens_details: { cached_tokens: 100 } },
    is: CACHED,
    microUsd: COST_OF_CACHED,
  },
  {
    server: 'Cloudflare',
    api: 'chat',
    place: 'each',
    usage: counts,
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
  {
    server: 'Together',
    api: 'chat',
    usage: { ...counts, cached_tokens: 0 },
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
  {
    server: 'a server with the names of Responses',
    api: 'chat',
    usage: { input_tokens: 120, output_tokens: 5 },
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
  {
    server: 'a server that writes numbers as text',
    api: 'chat',
    usage: { prompt_tokens: '120', completion_tokens: '5', total_tokens: '125' },
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
  {
    server: 'a server that counts in the message',
    api: 'chat',
    place: 'message',
    usage: counts,
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
  {
    server: 'a server whose total is below the sum',
    api: 'chat',
    usage: { ...counts, total_tokens: 5 },
    is: PLAIN,
    microUsd: COST_OF_PLAIN,
  },
];

afterEach(closeApps);

describe.each(METHODS)('By %s, usage and cost', (method) => {
  it.each(SHAPES)('of $server are the billed amounts', async (shape) => {
    const app = await UsageApp.start(shape.api);
    const { usage, cost } = await app.ask(method, shape);
    expect(usage).toEqual(shape.is);
    expect(cost).toBeCloseTo(shape.microUsd / 1e6, 12);
    expect(app.costs.totalCost).toBe(cost);
    expect(app.tokens.totalTokens).toBe(usage.totalTokens);
  });
});

describe('A stream that reports usage more than once', () => {
  it.each<[string, object, object, Partial<Usage>]>([
    ['a zero', {}, { input_tokens: 0, output_tokens: 19 }, {}],
    ['null', {}, { input_tokens: null, output_tokens: 19 }, {}],
    ['what it leaves out', {}, { output_tokens: 19 }, {}],
    ['what cannot be right', {}, { input_tokens: -1, output_tokens: 19 }, {}],
    [
      'a zero of the cache',
      { cache_read_input_tokens: 8, cache_creation: { ephemeral_1h_input_tokens: 7 } },
      {
        cache_read_input_tokens: 0,
        cache_creation: { ephemeral_1h_input_tokens: 0 },
        output_tokens: 19,
      },
      {
        inputTokens: 49,
        cachedInputTokens: 8,
        cacheWriteTokens: 7,
        cacheWrite1hTokens: 7,
        totalTokens: 68,
      },
    ],
  ])(
    'in the Anthropic format keeps its first counts when it then sends %s',
    async (_what, more, delta, is) => {
      const app = await UsageApp.start('anthropic');
      const start = { input_tokens: 34, output_tokens: 1, ...more };
      const { usage } = await app.ask('stream', { usage: undefined, start, delta });
      expect(usage).toEqual({ ...NONE, inputTokens: 34, outputTokens: 19, totalTokens: 53, ...is });
    },
  );

  it.each<[string, unknown]>([
    ['zeros', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
    ['null', null],
    ['nothing', {}],
  ])('in the OpenAI format keeps its counts when it then sends %s', async (_what, last) => {
    const app = await UsageApp.start('chat');
    const choice = { index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' };
    const usage = { ...counts, prompt_tokens_details: { cached_tokens: 100 } };
    app.answers(
      [
        { choices: [choice], usage },
        { choices: [], usage: last },
      ]
        .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
        .join('') + 'data: [DONE]\n\n',
    );
    expect((await app.llm.stream('Hi').response).usage).toEqual(CACHED);
  });
});
