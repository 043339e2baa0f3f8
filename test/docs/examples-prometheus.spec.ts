import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  AgentService,
  CallbacksModule,
  CallbacksService,
  CostLimiter,
  defineTool,
  getLlmToken,
  LlmService,
  NO_USAGE,
  RateLimiter,
} from 'nestjs-llm-callbacks';
import { FakeLlm, type FakeAnswering, overrideLlm } from 'nestjs-llm-callbacks/testing';
import { refusesFirst } from '../support/limited.js';
import { AppModule } from './examples/otel/prometheus.js';
import { ROOT } from './blocks.js';

const DASHBOARD = JSON.parse(readFileSync(join(ROOT, 'docs/grafana/llm.json'), 'utf8')) as {
  panels: { title: string; targets: { expr: string }[] }[];
  templating: { list: { query: string | { query: string } }[] };
};

/** All queries of the dashboard. */
const queries = [
  ...DASHBOARD.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...DASHBOARD.templating.list.map(({ query }) =>
    typeof query === 'string' ? query : query.query,
  ),
];

/** A client whose model is in the price list. */
const Priced = CallbacksModule.forFeature({
  name: 'priced',
  llm: { provider: new FakeLlm(), label: 'openai', model: 'gpt-5-mini' },
});

const NAME = /\b(?:gen_ai|nestjs_llm_callbacks)_\w+/g;

let app: INestApplication;
let scraped: string;
let contentType: string | null;

beforeAll(async () => {
  const builder = Test.createTestingModule({ imports: [AppModule, Priced] }).setLogger(
    false as never,
  );
  const module = await overrideLlm(builder, new FakeLlm(answer)).compile();
  app = module.createNestApplication({ logger: false, forceCloseConnections: true });
  await app.listen(0, '127.0.0.1');
  await useEverything();
  const response = await fetch(`${await app.getUrl()}/metrics`);
  contentType = response.headers.get('content-type');
  scraped = await response.text();
});
afterAll(() => app.close());

const usage = {
  ...NO_USAGE,
  inputTokens: 100,
  cachedInputTokens: 40,
  cacheWriteTokens: 10,
  outputTokens: 30,
  reasoningTokens: 5,
  totalTokens: 130,
};

const answer: FakeAnswering = ({ tools = [], messages }) =>
  tools.length > 0 && messages.at(-1)?.role === 'user'
    ? { toolCalls: [{ name: 'breaks' }], usage }
    : { text: 'one two three', usage };

/** Calls that make each metric. */
async function useEverything(): Promise<void> {
  const callbacks = app.get(CallbacksService);
  const llm = app.get(LlmService);
  callbacks.on('chain.start', () => Promise.reject(new Error('no')));
  await callbacks.chain('support', 'Hi', async () => {
    await callbacks.retrieval('printer', () => ['off and on']);
    await llm.stream('Hi').response;
  });
  await app.get<LlmService>(getLlmToken('priced')).generate('Hi');
  await llm.embed('printer', { model: 'text-embedding-3-small' });
  const fail = { execute: () => Promise.reject(new Error('no')) };
  const tools = [defineTool({ name: 'breaks', description: 'Breaks.', ...fail })];
  await app.get(AgentService).create({ name: 'desk', tools }).run('Hi');
  const none = new CostLimiter({ maxCost: 0 });
  await llm.generate('Hi', { callbacks: [none] }).catch(() => undefined);
  const gate = new RateLimiter({ requestsPerMinute: 9, mode: 'wait', store: refusesFirst() });
  await llm.generate('Hi', { callbacks: [gate] });
}

describe('The recipe for Prometheus', () => {
  it('lets Prometheus scrape the application', () => {
    expect(contentType).toMatch(/^text\/plain/);
    expect(scraped).toContain('# TYPE gen_ai_client_inference_duration histogram');
    expect(scraped).toMatch(
      /^gen_ai_client_inference_duration_count\{gen_ai_operation_name="chat",[^}]*\} \d+$/m,
    );
    expect(scraped).not.toContain('otel_scope_name');
  });

  it('has every metric that the dashboard asks for, and the labels', () => {
    const names = new Set(queries.flatMap((query) => query.match(NAME) ?? []));
    expect(names.size).toBeGreaterThanOrEqual(30);
    const missing = [...names].filter(
      (name) => !new RegExp(`^${name}[{ ]|[{,]${name}="`, 'm').test(scraped),
    );
    expect(missing).toEqual([]);
  });

  it('has a dashboard that shows every metric, but these', () => {
    const metrics = [...scraped.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name!);
    const shown = queries.join(' ');
    expect(metrics.filter((name) => !shown.includes(name)).toSorted()).toEqual([
      'gen_ai_client_embeddings_operation_input_tokens',
      'gen_ai_client_inference_usage_cache_write_input_tokens_total',
      'gen_ai_client_inference_usage_reasoning_output_tokens_total',
      'gen_ai_client_operation_duration',
      'target_info',
    ]);
  });
});
