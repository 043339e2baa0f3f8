import { afterEach, expect, it } from '@jest/globals';
import {
  CallbacksModule,
  CallbacksService,
  CostLimiter,
  OnAnyEvent,
  OnLlmEnd,
  RateLimiter,
  Tool,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { Test } from '@nestjs/testing';
import { closeApps, willClose } from '../support/app.js';

afterEach(closeApps);

class Audit {
  @OnLlmEnd({ order: 5 }) late() {}
  @OnLlmEnd({ scope: 'support', critical: true }) support() {}
  @OnLlmEnd({ background: true }) report() {}
  @OnAnyEvent({ order: -1 }) any() {}
}
class Tools {
  @Tool({ description: 'x', needsApproval: true }) refund() {}
  @Tool({ name: 'find_order', description: 'x', needsApproval: () => true }) find() {}
}
class Own {
  onLlmEnd() {}
}

async function start() {
  const debug: string[] = [];
  const logger = {
    log: () => {},
    warn: () => {},
    error: () => {},
    debug: (line: string) => void debug.push(line),
  };
  const module = await Test.createTestingModule({
    imports: [
      CallbacksModule.forRoot({
        llm: {
          provider: 'openai',
          model: 'gpt-5-mini',
          embeddingModel: 'text-embedding-3-small',
          apiKey: 'sk-secret',
          baseURL: 'http://user:pass@127.0.0.1:1/v1',
          label: 'local',
        },
        callbacks: [new CostLimiter({ name: 'spending', maxCost: 2, per: 'user', window: 'day' })],
      }),
      CallbacksModule.forFeature({
        name: 'support',
        llm: { provider: new FakeLlm(), model: 'small' },
        agent: {
          name: 'clerk',
          persona: 'a secret persona',
          tools: [Tools],
          callbacks: [new Own()],
        },
        callbacks: [new RateLimiter({ requestsPerMinute: () => 5, mode: 'wait' })],
      }),
    ],
    providers: [Audit, Tools],
  })
    .setLogger(logger)
    .compile();
  await willClose(module).init();
  return { report: module.get(CallbacksService).report(), debug };
}

it('callbacks.report() lists the parts of the application', async () => {
  const { report } = await start();
  expect(report.clients).toEqual([
    {
      name: 'default',
      provider: 'openai',
      label: 'local',
      model: 'gpt-5-mini',
      embeddingModel: 'text-embedding-3-small',
    },
    { name: 'support', provider: 'fake', label: 'fake', model: 'small' },
  ]);
  expect(report.limiters).toEqual([
    {
      name: 'spending',
      mode: 'reject',
      limits: [{ unit: 'usd', per: 'user', window: 'day', limit: 2 }],
    },
    {
      name: 'RateLimiter',
      mode: 'wait',
      limits: [{ unit: 'requests', per: 'global', window: 60_000, limit: null }],
    },
  ]);
  expect(report.agents).toEqual([
    { name: 'default', client: 'default', model: 'gpt-5-mini', tools: [] },
    { name: 'clerk', client: 'support', model: 'small', tools: ['refund', 'find_order'] },
  ]);
  expect(report.tools).toEqual([
    { name: 'refund', place: 'Tools.refund', needsApproval: true },
    { name: 'find_order', place: 'Tools.find', needsApproval: 'asked' },
  ]);
});

it('callbacks.report() lists handlers by event, in calling order', async () => {
  const { report } = await start();
  const ends = report.handlers['llm.end']!;
  expect(ends.map(({ name }) => name)).toEqual([
    'Audit.any',
    'Audit.report',
    'Audit.support',
    'Own.onLlmEnd',
    'Audit.late',
  ]);
  expect(ends[2]).toEqual({
    name: 'Audit.support',
    event: 'llm.end',
    scopes: ['support'],
    order: 0,
    critical: true,
    background: false,
    instances: [],
  });
  expect(ends[1]).toMatchObject({ background: true });
  expect(ends[3]).toMatchObject({ instances: ['agent clerk'] });
  expect(report.handlers['llm.start']?.map(({ name }) => name)).toEqual(['Audit.any']);
  expect(report.handlers['intercept.llm']?.map(({ name, instances }) => [name, instances])).toEqual(
    [
      ['CostLimiter.limit', []],
      ['RateLimiter.limit', ['client support']],
    ],
  );
  expect(report.handlers['intercept.tool']).toBeUndefined();
});

it('callbacks.report() is plain JSON without secrets, and one debug line at start-up', async () => {
  const { report, debug } = await start();
  const text = JSON.stringify(report);
  expect(text).not.toMatch(/secret|pass/);
  expect(debug.filter((line) => line.includes('gpt-5-mini'))).toEqual([
    'clients: default (local, gpt-5-mini), support (fake, small); limiters: spending, RateLimiter; ' +
      'agents: default (0 tools), clerk (2 tools); tools: refund, find_order; ' +
      'handlers: Audit.any, Audit.report, Audit.support, Own.onLlmEnd, Audit.late, CostLimiter.limit, RateLimiter.limit',
  ]);
});
