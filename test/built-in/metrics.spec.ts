import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AgentService,
  BudgetExceededError,
  defineTool,
  MetricsCallbacks,
  RateLimitExceededError,
} from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

const usage = {
  inputTokens: 10,
  outputTokens: 5,
  totalTokens: 15,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  source: 'provider' as const,
};

describe('MetricsCallbacks', () => {
  it('counts calls, errors and tokens by requested model', async () => {
    const { module, llm } = await startApp(
      { providers: [MetricsCallbacks] },
      { answers: [{ text: 'a', usage }, { text: 'b', usage }, new Error('down')] },
    );
    await llm.generate('1');
    await llm.generate('2', { model: 'large' });
    await llm.generate('3').catch(() => undefined);
    const { llm: all, byModel } = module.get(MetricsCallbacks).summary();
    expect(all).toMatchObject({ count: 3, errors: 1, inputTokens: 20, totalTokens: 30 });
    expect(byModel).toMatchObject({
      fake: { count: 2, errors: 1 },
      large: { count: 1, errors: 0 },
    });
  });

  it('summarizes latencies, by model and by tool', async () => {
    const metrics = new MetricsCallbacks();
    const { llm } = await startApp({}, { callbacks: [metrics] });
    for (let i = 0; i < 20; i++) await llm.generate('go');
    const { avg, p50, p95, p99, max } = metrics.summary().byModel['fake']!.latencyMs;
    expect([p50 <= p95, p95 <= p99, p99 <= max * 1.01, avg > 0]).toEqual([true, true, true, true]);
  });

  it('summarizes rates, first chunks, gaps, waits and refusals by model', async () => {
    const metrics = new MetricsCallbacks();
    const event = (fields: object) =>
      ({ type: 'llm.end', model: 'm', usage, durationMs: 1, ...fields }) as never;
    const measure = (fields: object) => metrics['measureCall'](event(fields));
    measure({
      tokensPerSecond: 100,
      timeToFirstChunkMs: 40,
      chunkGapsMs: { count: 3, avg: 10, max: 20 },
      limiterWaitMs: 500,
    });
    measure({
      tokensPerSecond: 50,
      timeToFirstChunkMs: 60,
      chunkGapsMs: { count: 1, avg: 50, max: 50 },
    });
    measure({ type: 'llm.error', error: new BudgetExceededError('no'), limiterWaitMs: 100 });
    measure({ type: 'llm.error', error: new RateLimitExceededError('no') });
    measure({ type: 'llm.error', error: new Error('down'), timeToFirstChunkMs: undefined });
    const { byModel, llm, embeddings } = metrics.summary();
    expect(byModel['m']).toEqual(llm);
    expect(llm).toMatchObject({
      count: 5,
      errors: 3,
      refused: 2,
      tokensPerSecond: {
        avg: expect.closeTo(75, 0),
        min: expect.closeTo(50, 0),
        max: expect.closeTo(100, 0),
      },
      timeToFirstChunkMs: { avg: expect.closeTo(50, 0), max: expect.closeTo(60, 0) },
      chunkGapsMs: { count: 4, avg: 20, max: 50 },
      limiterWaitMs: { count: 2, avg: 300, max: 500 },
    });
    const none = { count: 0, avg: 0, max: 0 };
    expect(embeddings).toMatchObject({
      refused: 0,
      tokensPerSecond: { avg: 0, p50: 0, min: 0, max: 0 },
      chunkGapsMs: none,
      limiterWaitMs: none,
    });
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics.summary());
  });

  it('counts tools and agents', async () => {
    const metrics = new MetricsCallbacks();
    const good = defineTool({ name: 'good', description: 'Works.', execute: () => 'ok' });
    const bad = defineTool({
      name: 'bad',
      description: 'Breaks.',
      execute: () => Promise.reject(new Error('no')),
    });
    const { module } = await startApp(
      {},
      {
        callbacks: [metrics],
        answers: [{ toolCalls: [{ name: 'good' }, { name: 'bad' }, { name: 'bad' }] }, 'done'],
        agent: { tools: [good, bad] },
      },
    );
    await module.get(AgentService).run('go');
    await module
      .get(AgentService)
      .run('fails')
      .catch(() => undefined);
    expect(metrics.summary()).toMatchObject({
      agents: { count: 2, errors: 1 },
      tools: { count: 3, errors: 2 },
      byTool: { good: { count: 1, errors: 0 }, bad: { count: 2, errors: 2 } },
    });
  });

  it('counts completed tool calls, but no pending or denied ones', async () => {
    const metrics = new MetricsCallbacks();
    const refund = defineTool({
      name: 'refund',
      description: 'Pays back.',
      needsApproval: true,
      execute: () => 'paid',
    });
    const toolCalls = ['r1', 'r2'].map((id) => ({ id, name: 'refund' }));
    const { module } = await startApp(
      {},
      { callbacks: [metrics], answers: [{ toolCalls }, 'done'], agent: { tools: [refund] } },
    );
    const agent = module.get(AgentService);
    const { pending } = await agent.run('go');
    await agent.resume(pending!, { r1: { approve: true }, r2: { approve: false } });
    const once = { count: 1, errors: 0 };
    expect(metrics.summary()).toMatchObject({ tools: once, byTool: { refund: once } });
  });

  it('starts from zero after reset', async () => {
    const metrics = new MetricsCallbacks();
    const { llm } = await startApp({}, { callbacks: [metrics] });
    await llm.generate('go');
    metrics.reset();
    const { llm: all, byModel } = metrics.summary();
    expect(all).toMatchObject({ count: 0, latencyMs: { avg: 0, p50: 0, p95: 0, p99: 0, max: 0 } });
    expect(byModel).toEqual({});
  });

  it('merges names beyond 200 into "other", and loses no count', async () => {
    const metrics = new MetricsCallbacks();
    const { llm } = await startApp({}, { callbacks: [metrics], answers: answers(250) });
    for (let i = 0; i < 250; i++) await llm.generate('go', { model: `m${i}` });
    const { byModel } = metrics.summary();
    expect(Object.keys(byModel)).toHaveLength(200);
    expect(Object.values(byModel).reduce((sum, { count }) => sum + count, 0)).toBe(250);
    expect(byModel['other']!.count).toBe(51);
  });
});

function answers(count: number) {
  return Array.from({ length: count }, () => 'ok');
}
