import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { CallbacksService, type CostSnapshot } from 'nestjs-llm-callbacks';
import { forbidRealLlm, overrideLlm } from 'nestjs-llm-callbacks/testing';
import { AppModule } from '../../sample-app/app.module.js';
import type { AuditEntry } from '../../sample-app/callbacks/audit-log.js';
import { LimitStorage } from '../../sample-app/limits/limit-storage.js';
import { readSse } from '../../sample-app/terminal/read-sse.js';
import { Tour } from '../../sample-app/terminal/tour.js';
import { DeskModel, NoConnections } from './desk-model.js';
import { ADA, Desk } from './open-desk.js';

const ADMIN = { 'x-user-id': 'admin' };
const SHIPPING = 'Where is my order 1042?';
/** The cost of one question, at the prices of the configured models. */
const COST = 0.000144;

let allow: () => void;
beforeAll(() => void (allow = forbidRealLlm()));
afterAll(() => allow());

describe('The support desk without keys, its models overridden,', () => {
  let desk: Desk;
  let model: DeskModel;

  beforeEach(async () => {
    const connections = new NoConnections();
    model = new DeskModel(connections);
    const models = connections.asConnections;
    const root = AppModule.connectedBy(models, LimitStorage.open({}));
    const builder = overrideLlm(Test.createTestingModule({ imports: [root] }), model);
    const app = (await builder.compile()).createNestApplication({
      logger: false,
      forceCloseConnections: true,
    });
    desk = await Desk.of(app, models);
  });

  afterEach(() => desk.close());

  it('answers, audits and counts as with the real models', async () => {
    const response = await ask(SHIPPING);

    expect(await response.json()).toEqual({
      topic: 'shipping',
      answer: 'Order 1042 left our warehouse this morning and reaches you on Friday.',
    });
    const audit = await desk.get<AuditEntry[]>('/audit');
    expect(audit.map((entry) => `${entry.event} ${entry.model} ${entry.user}`)).toEqual([
      'llm.start anthropic/claude-haiku-4-5 ada',
      'llm.end anthropic/claude-haiku-4-5 ada',
      'llm.start openai/gpt-5-mini ada',
      'llm.end openai/gpt-5-mini ada',
    ]);
    const costs = await desk.get<CostSnapshot>('/costs');
    expect(costs).toMatchObject({ requestCount: 2, unpricedCount: 0, totalTokens: 182 });
    expect(costs.totalCost).toBeCloseTo(COST, 9);
  });

  it('streams, and ends a run as cancelled when its consumer stops', async () => {
    const read = (query: string) => desk.fetch(`/tickets/stream?q=${query}`, ADA);
    let text = '';
    for await (const piece of readSse(await read('How+do+I+get+a+refund'))) text += piece;
    expect(text).toMatch(/^Send the item back .* is here\.$/);

    const ended = new Promise<void>((resolve) => {
      desk.app.get(CallbacksService).on('llm.end', () => resolve(), { order: Infinity });
    });
    for await (const piece of readSse(await read('What+does+the+manual+say'))) {
      expect(piece).not.toBe('');
      break;
    }
    await ended;
    expect((await desk.get<AuditEntry[]>('/audit')).at(-1)?.outcome).toBe('cancelled');
  });

  it('rejects calls by its handlers and limits before the model is called', async () => {
    expect((await ask(SHIPPING, {})).status).toBe(403);
    await desk.send('PATCH', '/limits', { maxCost: 0.0005 }, ADMIN);
    expect((await ask(SHIPPING)).status).toBe(200);
    expect((await ask(SHIPPING)).status).toBe(402);
    await desk.send('PATCH', '/limits', { maxCost: 1, requestsPerMinute: 3 }, ADMIN);
    expect((await ask(SHIPPING)).status).toBe(429);
    expect(model.requests.map((request) => request.model)).toEqual([
      'claude-haiku-4-5',
      'gpt-5-mini',
      'claude-haiku-4-5',
    ]);
  });

  it('plays the whole tour: answers, streams, agents with approval, limits and an outage', async () => {
    const lines: string[] = [];
    const { url, app } = desk;
    await new Tour(url, app.get(CallbacksService), (text) => void lines.push(text)).play();

    const output = lines.join('\n');
    expect(output).toContain('→ Order 1042 left our warehouse');
    expect(output).toContain('→ Send the item back within 30 days.');
    expect(output).toContain('→ 403 Say who you are');
    expect(output).toContain('→ Your alarm clock (order 1042) is on its way');
    expect(output).toMatch(
      /→ A colleague has to agree first\.[^]*7 {2}Joan[^]*→ We return \$89\.00/,
    );
    expect(output).toMatch(
      /Edsger: [^]*→ Order 1042 [^]*Edsger: [^]*→ 402 budget: the call may use/,
    );
    expect(output).toMatch(/fails once[^]*→ The backup will answer\.[^]*→ Send the item back/);
    expect(output).toMatch(/gpt-5-nano +1 /);
  });

  function ask(question: string, headers: Record<string, string> = ADA): Promise<Response> {
    return desk.post('/tickets/answer', { question }, headers);
  }
});
