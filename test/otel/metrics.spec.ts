import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AgentService,
  BudgetExceededError,
  CallbacksService,
  CostLimiter,
  defineTool,
  LlmRateLimitError,
  NO_USAGE,
  RateLimiter,
  type Usage,
} from 'nestjs-llm-callbacks';
import { type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { OpenTelemetryCallbacks, type Semconv } from 'nestjs-llm-callbacks/otel';
import { closeApps, startApp } from '../support/app.js';
import { refusesFirst } from '../support/limited.js';
import type { ExportedMetric } from '../support/otel/metrics.js';
import { Telemetry } from '../support/otel/telemetry.js';
import { Bench, HELLO, says } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';

let telemetry: Telemetry;
beforeEach(async () => {
  telemetry = await Telemetry.start();
});
afterEach(async () => {
  await closeApps();
  await telemetry.stop();
});

const USAGE: Usage = {
  ...NO_USAGE,
  inputTokens: 100,
  cachedInputTokens: 40,
  cacheWriteTokens: 20,
  outputTokens: 30,
  reasoningTokens: 10,
  totalTokens: 130,
};
const PRICES = { fake: { inputPerMillion: 1_000, outputPerMillion: 10_000 } };
const COST = 0.4;

const answer = (fields: object = {}): FakeAnswer => ({
  text: 'one two three',
  usage: USAGE,
  ...fields,
});

async function start(semconv: Semconv, answers: FakeAnswer[], more: object = {}, agent?: object) {
  return startApp(
    {},
    {
      answers,
      prices: PRICES,
      callbacks: [new OpenTelemetryCallbacks({ semconv, ...more })],
      ...(agent && { agent }),
    },
  );
}

const D = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const T = [
  1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
];
const AGENT = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6];
const WORKFLOW = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200];
const CALLS = [1, 2, 4, 8, 16, 32, 64, 128];

const OPERATION = 'gen_ai.operation.name';
const chat = {
  [OPERATION]: 'chat',
  'gen_ai.provider.name': 'fake',
  'gen_ai.request.model': 'fake',
};
const answered = { ...chat, 'gen_ai.response.model': 'fake' };
const failed = { ...chat, 'error.type': 'rate_limit' };
const text = { 'gen_ai.token.modality': 'text' };
const unknown = { 'gen_ai.token.modality': 'unknown' };
const input = { 'gen_ai.token.type': 'input' };
const output = { 'gen_ai.token.type': 'output' };

/** A series: its attributes, its count (of a histogram), its sum (if it is known). */
type Series = readonly [attributes: object, count: number, sum?: number];
type Row = readonly [unit: string, buckets: readonly number[] | undefined, ...series: Series[]];

/** A whole answer, a stream of three chunks and a failed call. */
const INFERENCE: Readonly<Record<string, Record<string, Row>>> = {
  latest: {
    'gen_ai.client.inference.duration': ['s', D, [answered, 2], [failed, 1]],
    'gen_ai.client.inference.time_to_first_chunk': ['s', D, [answered, 1]],
    'gen_ai.client.inference.time_per_output_chunk': ['s', D, [chat, 2]],
    'gen_ai.client.inference.usage.input_tokens': [
      '{token}',
      undefined,
      [{ ...answered, ...text }, 0, 200],
      [{ ...chat, ...unknown }, 0, 0],
    ],
    'gen_ai.client.inference.usage.output_tokens': [
      '{token}',
      undefined,
      [{ ...answered, ...text }, 0, 60],
      [{ ...chat, ...unknown }, 0, 0],
    ],
    'gen_ai.client.inference.usage.cache_read.input_tokens': [
      '{token}',
      undefined,
      [{ ...answered, ...text }, 0, 80],
    ],
    'gen_ai.client.inference.usage.cache_write.input_tokens': [
      '{token}',
      undefined,
      [{ ...answered, ...text }, 0, 40],
    ],
    'gen_ai.client.inference.usage.reasoning.output_tokens': [
      '{token}',
      undefined,
      [{ ...answered, ...text }, 0, 20],
    ],
    'gen_ai.client.inference.operation.input_tokens': ['{token}', T, [answered, 2, 200]],
    'gen_ai.client.inference.operation.output_tokens': ['{token}', T, [answered, 2, 60]],
  },
  'v1.41': {
    'gen_ai.client.operation.duration': ['s', D, [answered, 2], [failed, 1]],
    'gen_ai.client.operation.time_to_first_chunk': ['s', D, [answered, 1]],
    'gen_ai.client.operation.time_per_output_chunk': ['s', D, [chat, 2]],
    'gen_ai.client.token.usage': [
      '{token}',
      T,
      [{ ...answered, ...input }, 2, 200],
      [{ ...answered, ...output }, 2, 60],
    ],
  },
};
const COSTS: Record<string, Row> = {
  'nestjs_llm_callbacks.cost': ['{USD}', undefined, [answered, 0, 2 * COST]],
};

const embedded = {
  [OPERATION]: 'embeddings',
  'gen_ai.provider.name': 'fake',
  'gen_ai.request.model': 'vectors',
  'gen_ai.response.model': 'vectors',
};

/** The exported metrics as a table; sums of durations are left out. */
function tableOf(exported: readonly ExportedMetric[]): Record<string, Row> {
  return Object.fromEntries(
    exported.map(({ name, unit, kind, series }) => {
      const rows = series.map(({ attributes, count, sum }): Series =>
        unit === 's' ? [attributes, count] : [attributes, count, Number(sum.toFixed(9))],
      );
      return [name, [unit, kind === 'counter' ? undefined : series[0]!.buckets, ...rows]];
    }),
  );
}

function namesOf(exported: readonly ExportedMetric[], ...names: string[]): ExportedMetric[] {
  return exported.filter(({ name }) => names.some((prefix) => name.startsWith(prefix)));
}

const isHandlers = ({ name }: ExportedMetric) => name.startsWith('nestjs_llm_callbacks.handler');

describe.each(['latest', 'v1.41', 'both'] as const)('Metrics of LLM calls in %s', (semconv) => {
  it('equal the table of the convention', async () => {
    const limited = new LlmRateLimitError('slow down');
    const { llm } = await start(semconv, [answer(), answer(), limited]);
    await llm.generate('Hi');
    for await (const _ of llm.stream('Hi'));
    await expect(llm.generate('Hi')).rejects.toBe(limited);
    const exported = (await telemetry.metrics()).filter((metric) => !isHandlers(metric));
    const both = { ...INFERENCE['latest'], ...INFERENCE['v1.41'] };
    expect(tableOf(exported)).toEqual({ ...(INFERENCE[semconv] ?? both), ...COSTS });
    const url = semconv === 'v1.41' ? 'https://opentelemetry.io/schemas/1.41.0' : undefined;
    expect(exported.map(({ scope, schemaUrl }) => [scope, schemaUrl])).toEqual(
      exported.map(() => ['nestjs-llm-callbacks', url]),
    );
  });

  it('of embeddings do so, too', async () => {
    const { llm } = await start(semconv, []);
    await llm.embed(['printer', 'scanner'], { model: 'vectors' });
    const exported = namesOf(await telemetry.metrics(), 'gen_ai.');
    const latest: Record<string, Row> = {
      'gen_ai.client.embeddings.duration': ['s', D, [embedded, 1]],
      'gen_ai.client.embeddings.operation.input_tokens': ['{token}', T, [embedded, 1, 4]],
    };
    const old: Record<string, Row> = {
      'gen_ai.client.operation.duration': ['s', D, [embedded, 1]],
      'gen_ai.client.token.usage': ['{token}', T, [{ ...embedded, ...input }, 1, 4]],
    };
    const tables = { latest, 'v1.41': old, both: { ...latest, ...old } };
    expect(tableOf(exported)).toEqual(tables[semconv]);
  });
});

describe('Metrics of agents, tools, chains and retrievals', () => {
  const find = defineTool({ name: 'find', description: 'Finds.', execute: () => 'found' });
  const breaks = defineTool({
    name: 'breaks',
    description: 'Breaks.',
    execute: () => Promise.reject(new Error('no')),
  });

  it('equal the table of the convention, and unknown tools have no series of their own', async () => {
    const toolCalls = ['find', 'breaks', 'made-up-1', 'made-up-2'].map((name) => ({ name }));
    const { module } = await start(
      'latest',
      [answer({ toolCalls }), 'done'],
      {},
      { tools: [find, breaks] },
    );
    const callbacks = module.get(CallbacksService);
    await callbacks.chain('support', 'Hi', async () => {
      await callbacks.retrieval('printer', () => ['off and on']);
      await callbacks.chain('inner', 'Hi', () => module.get(AgentService).run('Hi'));
    });
    const exported = namesOf(
      await telemetry.metrics(),
      'gen_ai.invoke',
      'gen_ai.execute',
      'gen_ai.client.operation',
    );
    const agent = { 'gen_ai.agent.name': 'default' };
    const tool = { ...agent, 'gen_ai.tool.type': 'function' };
    const name = (toolName: string) => ({ ...tool, 'gen_ai.tool.name': toolName });
    expect(tableOf(exported)).toEqual({
      'gen_ai.invoke_agent.duration': [
        's',
        AGENT,
        [{ ...agent, 'gen_ai.request.model': 'fake' }, 1],
      ],
      'gen_ai.invoke_agent.inference_calls': ['{inference_call}', CALLS, [agent, 1, 2]],
      'gen_ai.invoke_agent.tool_calls': ['{tool_call}', CALLS, [agent, 1, 4]],
      'gen_ai.execute_tool.duration': [
        's',
        D,
        [{ ...name('_OTHER'), 'error.type': 'tool_arguments' }, 2],
        [name('find'), 1],
        [{ ...name('breaks'), 'error.type': 'tool_execution' }, 1],
      ],
      'gen_ai.invoke_workflow.duration': [
        's',
        WORKFLOW,
        [{ 'gen_ai.workflow.name': 'support' }, 1],
      ],
      'gen_ai.client.operation.duration': [
        's',
        D,
        [{ [OPERATION]: 'retrieval', 'gen_ai.provider.name': '_OTHER' }, 1],
      ],
    });
  });

  it('have the durations of their spans', async () => {
    const toolCalls = [{ name: 'find' }];
    const { module } = await start(
      'latest',
      [answer({ toolCalls }), 'done'],
      {},
      { tools: [find] },
    );
    const callbacks = module.get(CallbacksService);
    callbacks.on('tool.start', () => new Promise((resolve) => void setImmediate(resolve)));
    await callbacks.chain('support', 'Hi', () => module.get(AgentService).run('Hi'));
    const exported = await telemetry.metrics();
    const spans = await telemetry.spans();
    const secondsOf = (operation: string) =>
      spans
        .filter(({ attributes }) => attributes[OPERATION] === operation)
        .reduce((sum, { start: from, end }) => sum + Number(end - from) / 1e9, 0);
    const sums = ['invoke_agent', 'execute_tool', 'invoke_workflow', 'client.inference'].map(
      (name) => {
        const found = exported.find((one) => one.name === `gen_ai.${name}.duration`);
        return found!.series.reduce((sum, one) => sum + one.sum, 0);
      },
    );
    ['invoke_agent', 'execute_tool', 'invoke_workflow', 'chat'].forEach((operation, i) =>
      expect(sums[i]).toBeCloseTo(secondsOf(operation), 5),
    );
  });
});

describe('Metrics of this package', () => {
  it('count rejections, and measure waits, by limiter', async () => {
    const { llm } = await start('latest', [answer(), answer()]);
    const limiter = new CostLimiter({ maxCost: 0, name: 'budget' });
    await expect(llm.generate('Hi', { callbacks: [limiter] })).rejects.toBeInstanceOf(
      BudgetExceededError,
    );
    const store = refusesFirst();
    const gate = new RateLimiter({ requestsPerMinute: 9, mode: 'wait', store, name: 'gate' });
    await llm.generate('Hi', { callbacks: [gate] });
    const exported = namesOf(await telemetry.metrics(), 'nestjs_llm_callbacks.limiter');
    const name = 'nestjs_llm_callbacks.limiter.name';
    expect(tableOf(exported)).toEqual({
      'nestjs_llm_callbacks.limiter.rejections': [
        '{call}',
        undefined,
        [{ ...chat, [name]: 'budget', 'error.type': 'budget_exceeded' }, 0, 1],
      ],
      'nestjs_llm_callbacks.limiter.wait': ['s', D, [{ [name]: 'gate' }, 1]],
    });
    const [wait] = namesOf(exported, 'nestjs_llm_callbacks.limiter.wait');
    expect(wait!.series[0]!.sum).toBeGreaterThan(0);
  });

  it('measure a wait that the call did not survive', async () => {
    const { llm } = await start('latest', [answer()]);
    const store = refusesFirst(60_000);
    const gate = new RateLimiter({ requestsPerMinute: 9, mode: 'wait', store, name: 'gate' });
    await expect(llm.generate('Hi', { callbacks: [gate], timeoutMs: 15 })).rejects.toMatchObject({
      code: 'timeout',
    });
    const [wait] = namesOf(await telemetry.metrics(), 'nestjs_llm_callbacks.limiter.wait');
    expect(wait!.series).toEqual([
      expect.objectContaining({ attributes: { 'error.type': 'timeout' }, count: 1 }),
    ]);
  });

  it('measure handlers, except those of telemetry itself, and count their errors', async () => {
    const handlers = {
      onLlmStart: () => undefined,
      onLlmEnd: () => Promise.reject(new TypeError('no')),
    };
    const { llm } = await start('latest', [answer()]);
    await llm.generate('Hi', { callbacks: [handlers] });
    const exported = namesOf(await telemetry.metrics(), 'nestjs_llm_callbacks.handler');
    const of = (handler: string, type: string) => ({
      'nestjs_llm_callbacks.handler.name': `Object.${handler}`,
      'nestjs_llm_callbacks.event.type': type,
    });
    expect(tableOf(exported)).toEqual({
      'nestjs_llm_callbacks.handler.duration': [
        's',
        [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
        [of('onLlmStart', 'llm.start'), 1],
        [of('onLlmEnd', 'llm.end'), 1],
      ],
      'nestjs_llm_callbacks.handler.errors': [
        '{error}',
        undefined,
        [{ ...of('onLlmEnd', 'llm.end'), 'error.type': 'TypeError' }, 0, 1],
      ],
    });
  });
});

describe('The attributes of metrics', () => {
  it('name the server, as the spans do, and the name of the provider in the convention', async () => {
    const bench = new Bench(openai, { callbacks: [new OpenTelemetryCallbacks()] });
    await bench.open();
    bench.server.answers(says(openai, 'generate', HELLO));
    await bench.llm.generate('Hi');
    const [duration] = namesOf(await telemetry.metrics(), 'gen_ai.client.inference.duration');
    const [span] = await telemetry.spans();
    const { port } = new URL(bench.server.origin);
    await bench.close();
    const { attributes } = duration!.series[0]!;
    expect(attributes).toEqual({
      [OPERATION]: 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': openai.model,
      'gen_ai.response.model': span!.attributes['gen_ai.response.model'],
      'server.address': '127.0.0.1',
      'server.port': Number(port),
    });
    expect(span!.attributes).toMatchObject(attributes);
  });

  it('never name a user, a tenant, a conversation or a run', async () => {
    const { llm } = await start('both', [answer()]);
    const whose = { userId: 'ada', tenantId: 'acme', conversationId: 'c-1', tags: ['t-1'] };
    await llm.generate('Hi', whose);
    await telemetry.metrics();
    const sent = JSON.stringify(telemetry.collector.metrics);
    expect(sent).toContain('gen_ai.client.inference.duration');
    for (const one of Object.values(whose).flat()) expect(sent).not.toContain(`"${one}"`);
  });

  it('are few, whatever models callers and servers name', async () => {
    const answers = Array.from({ length: 300 }, (_, i) => answer({ model: `answered-${i}` }));
    const { llm } = await start('latest', answers);
    for (let i = 0; i < 300; i++) await llm.generate('Hi', { model: `asked-${i}` });
    const [duration] = namesOf(await telemetry.metrics(), 'gen_ai.client.inference.duration');
    expect(duration!.series).toHaveLength(201);
    expect(
      duration!.series.find(({ attributes }) => attributes['gen_ai.request.model'] === '_OTHER'),
    ).toMatchObject({
      count: 100,
      attributes: { 'gen_ai.response.model': '_OTHER' },
    });
  });
});
