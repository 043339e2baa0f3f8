import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CallbacksService, type CostSnapshot } from 'nestjs-llm-callbacks';
import type { AuditEntry } from '../../sample-app/callbacks/audit-log.js';
import { ModelConnections } from '../../sample-app/models/model-connections.js';
import { readSse } from '../../sample-app/terminal/read-sse.js';
import { Tour } from '../../sample-app/terminal/tour.js';
import { ADA, Desk } from './open-desk.js';

const SHIPPING = 'Where is my order 1042?';
const REFUND = 'How do I get a refund?';

describe('The support desk', () => {
  let desk: Desk;

  beforeEach(async () => {
    desk = await Desk.open();
  });

  afterEach(() => desk.close());

  it('classifies a question with one provider and answers it with the other', async () => {
    const response = await ask(SHIPPING, ADA);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      topic: 'shipping',
      answer: 'Order 1042 left our warehouse this morning and reaches you on Friday.',
    });
    const audit = await desk.get<AuditEntry[]>('/audit');
    expect(audit.map(({ event, model }) => `${event} ${model}`)).toEqual([
      'llm.start anthropic/claude-haiku-4-5',
      'llm.end anthropic/claude-haiku-4-5',
      'llm.start openai/gpt-5-mini',
      'llm.end openai/gpt-5-mini',
    ]);
    expect(new Set(audit.map(({ requestId }) => requestId)).size).toBe(1);
    expect(new Set(audit.map(({ user }) => user))).toEqual(new Set(['ada']));
  });

  it('streams an answer as server-sent events', async () => {
    const response = await read(REFUND, ADA);

    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const pieces: string[] = [];
    for await (const text of readSse(response)) pieces.push(text);
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.join('')).toMatch(/^Send the item back .* is here\.$/);
  });

  it('sums the cost by model and by user', async () => {
    await ask(SHIPPING, ADA);
    await ask(REFUND, { 'x-user-id': 'grace' });

    const costs = await desk.get<CostSnapshot>('/costs');
    expect(costs.requestCount).toBe(4);
    expect(costs.totalTokens).toBe(64 + 4 + 96 + 18 + 61 + 4 + 93 + 34);
    expect(costs.unpricedCount).toBe(0);
    expect(Object.keys(costs.byModel).toSorted()).toEqual(['claude-haiku-4-5', 'gpt-5-mini']);
    const [ada, grace] = [costs.byUser['ada']!, costs.byUser['grace']!];
    expect(ada.cost).toBeGreaterThan(0);
    expect(ada.cost + grace.cost).toBeCloseTo(costs.totalCost, 12);
  });

  it.each([
    ['an answer to nobody', () => ask(SHIPPING)],
    ['a stream to nobody', () => read(SHIPPING)],
    ['an answer to a name unfit for a log', () => ask(SHIPPING, { 'x-user-id': 'a b' })],
  ])('rejects %s before a provider is called', async (_what, request) => {
    const response = await request();

    expect(response.status).toBe(403);
    const { totalTokens, totalCost } = await desk.get<CostSnapshot>('/costs');
    expect([totalTokens, totalCost]).toEqual([0, 0]);
    expect((await desk.get<AuditEntry[]>('/audit')).at(-1)?.outcome).toBe('ForbiddenException');
  });

  it('ends a run as cancelled when its consumer stops', async () => {
    const ended = nextEnd();
    for await (const text of readSse(await read('What does the manual say?', ADA))) {
      expect(text).not.toBe('');
      break;
    }
    await ended;

    const { outcome, tokens, cost } = (await desk.get<AuditEntry[]>('/audit')).at(-1)!;
    expect(outcome).toBe('cancelled');
    expect(tokens).toBeGreaterThan(0);
    expect(cost).toBeGreaterThan(0);
  });

  it.each([
    ['no question', {}],
    ['an empty one', { question: ' ' }],
    ['a list, which would be taken for a conversation', { question: ['a', 'b'] }],
    ['a very long one', { question: 'x'.repeat(2_001) }],
  ])('rejects %s', async (_what, body) => {
    expect((await desk.post('/tickets/answer', body, ADA)).status).toBe(400);
    expect(await desk.get('/audit')).toEqual([]);
  });

  it('plays a tour with answers, a cancelled stream, a rejection, the agent and the costs', async () => {
    const lines: string[] = [];
    await new Tour(
      desk.url,
      desk.app.get(CallbacksService),
      (text) => void lines.push(text),
    ).play();

    const output = lines.join('\n');
    expect(output).toContain('1  Ada: Where is my order 1042?');
    expect(output).toContain('→ Order 1042 left our warehouse');
    expect(output).toContain('→ Send the item back within 30 days.');
    expect(output).toContain('→ 403 Say who you are');
    expect(output).toContain('→ Your alarm clock (order 1042) is on its way');
    expect(output).toMatch(
      /→ A colleague has to agree first\.[^]*7 {2}Joan[^]*→ We return \$89\.00/,
    );
    expect(output).toContain('→ When your order arrives: The customer asks when');
    expect(output).toMatch(/together +10 +\d+ +\$0\.000\d{3}/);
    expect((await desk.get<AuditEntry[]>('/audit')).map(({ outcome }) => outcome)).toContain(
      'cancelled',
    );
  });

  it('stops its mock when it is closed', async () => {
    await desk.close();

    await expect(fetch(desk.models.openai.baseURL!)).rejects.toThrow('fetch failed');
  });

  it('calls a real provider when its key is set, and the mock for the other one', async () => {
    const connections = await ModelConnections.open({ OPENAI_API_KEY: 'key' });
    await connections.onApplicationShutdown();

    expect(connections.openai).toEqual({});
    expect(connections.anthropic.baseURL).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(connections.describe()).toContain('ANTHROPIC_API_KEY');
  });

  function ask(question: string, headers: Record<string, string> = {}): Promise<Response> {
    return desk.post('/tickets/answer', { question }, headers);
  }

  function read(question: string, headers: Record<string, string> = {}): Promise<Response> {
    const query = new URLSearchParams({ q: question }).toString();
    return desk.fetch(`/tickets/stream?${query}`, headers);
  }

  function nextEnd(): Promise<void> {
    return new Promise((resolve) => {
      desk.app.get(CallbacksService).on('llm.end', () => resolve(), { order: Infinity });
    });
  }
});
