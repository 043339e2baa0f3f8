import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CallbacksModule, getLlmToken, LlmService } from 'nestjs-llm-callbacks';
import { anthropic } from '../support/wire/anthropic.js';
import { ask, METHODS, says, useBench, type Method } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';
import { responses } from '../support/wire/responses.js';

interface Vector {
  provider: 'openai' | 'anthropic';
  model: string;
  /** The date of the price list. */
  at: string;
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
  cost: number;
}

const FILE = new URL('./price-vectors.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(FILE, 'utf8')) as { vectors: Vector[] };
const WIRE = { openai, anthropic, responses };

/** The wire format for a provider's vectors: both OpenAI formats use the same. */
type Name = keyof typeof WIRE;
const CHOICES: [string, (provider: Vector['provider']) => Name][] = [
  ['chat completions', (provider) => provider],
  ['Responses', (provider) => (provider === 'openai' ? 'responses' : provider)],
];

/** Freezes the date, but no clock or timer. */
function freezeDate(at: string): void {
  jest.useFakeTimers({
    now: new Date(at),
    doNotFake: [
      'hrtime',
      'nextTick',
      'performance',
      'queueMicrotask',
      'setImmediate',
      'clearImmediate',
      'setInterval',
      'clearInterval',
      'setTimeout',
      'clearTimeout',
    ],
  });
}

describe('CostTracker', () => {
  const bench = useBench(openai, {
    imports: (origin) => [
      CallbacksModule.forFeature([
        { name: 'openai', llm: openai.client(origin) },
        { name: 'anthropic', llm: anthropic.client(origin) },
        { name: 'responses', llm: responses.client(origin) },
      ]),
    ],
  });
  beforeEach(() => {
    freezeDate(vectors[0]!.at);
    // Anthropic's SDK warns that a model of the vectors is about to be retired.
    jest.spyOn(console, 'warn').mockReturnValue();
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  async function call({ provider: _, model, ...usage }: Vector, name: Name, method: Method) {
    jest.setSystemTime(new Date(usage.at));
    bench.server.answers(says(WIRE[name], method, { text: 'Hello', model, usage }));
    const llm = bench.app.get<LlmService>(getLlmToken(name), { strict: false });
    return ask(llm, method, 'Hi', { model });
  }

  const ways = CHOICES.flatMap(([api, nameOf]) =>
    METHODS.map((method) => ({ api, nameOf, method })),
  );
  it.each(ways)('matches the sum of the price vectors, by $method through $api', async (way) => {
    for (const vector of vectors) {
      const { cost } = await call(vector, way.nameOf(vector.provider), way.method);
      expect(cost).toBeCloseTo(vector.cost, 12);
      expect(bench.costs.byModel.get(vector.model)!.cost).toBeCloseTo(vector.cost, 12);
    }
    const sum = (of: (vector: Vector) => number) =>
      vectors.reduce((total, vector) => total + of(vector), 0);
    expect(bench.costs.totalCost).toBeCloseTo(
      sum(({ cost }) => cost),
      10,
    );
    expect(bench.costs).toMatchObject({
      totalTokens: sum(({ input, output }) => input + output),
      requestCount: vectors.length,
      unpricedCount: 0,
    });
  });
});
