import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CallbacksService, type CostSnapshot } from 'nestjs-llm-callbacks';
import { AppModule } from '../../sample-app/app.module.js';
import type { AuditEntry } from '../../sample-app/callbacks/audit-log.js';
import { ModelConnections } from '../../sample-app/models/model-connections.js';
import { readSse } from '../../sample-app/terminal/read-sse.js';
import { Tour } from '../../sample-app/terminal/tour.js';

const ADA = { 'x-user-id': 'ada' };
const SHIPPING = 'Where is my order 1042?';
const REFUND = 'How do I get a refund?';

describe('The support desk', () => {
  let app: INestApplication;
  let models: ModelConnections;
  let url: string;

  beforeEach(async () => {
    // No environment: both providers are the mock, whatever keys the machine has.
    models = await ModelConnections.open({});
    app = await NestFactory.create(AppModule.connectedBy(models), {
      logger: false,
      forceCloseConnections: true,
    });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterEach(() => app.close());

  it('sorts a question with one provider and answers it with the other', async () => {
    const response = await ask(SHIPPING, ADA);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      topic: 'shipping',
      answer: 'Order 1042 left our warehouse this morning and reaches you on Friday.',
    });
    const audit = await get<AuditEntry[]>('/audit');
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

  it('adds up what was spent by model and by user', async () => {
    await ask(SHIPPING, ADA);
    await ask(REFUND, { 'x-user-id': 'grace' });

    const costs = await get<CostSnapshot>('/costs');
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
  ])('refuses %s before a provider is asked', async (_what, request) => {
    const response = await request();

    expect(response.status).toBe(403);
    const { totalTokens, totalCost } = await get<CostSnapshot>('/costs');
    expect([totalTokens, totalCost]).toEqual([0, 0]);
    expect((await get<AuditEntry[]>('/audit')).at(-1)?.outcome).toBe('ForbiddenException');
  });

  it('ends a run as cancelled when its reader leaves', async () => {
    const ended = nextEnd();
    for await (const text of readSse(await read('What does the manual say?', ADA))) {
      expect(text).not.toBe('');
      break;
    }
    await ended;

    const { outcome, tokens, cost } = (await get<AuditEntry[]>('/audit')).at(-1)!;
    expect(outcome).toBe('cancelled');
    expect(tokens).toBeGreaterThan(0);
    expect(cost).toBeGreaterThan(0);
  });

  it.each([
    ['no question', {}],
    ['an empty one', { question: ' ' }],
    ['a list, which would be taken for a conversation', { question: ['a', 'b'] }],
    ['a very long one', { question: 'x'.repeat(2_001) }],
  ])('refuses %s', async (_what, body) => {
    expect((await post(body, ADA)).status).toBe(400);
    expect(await get('/audit')).toEqual([]);
  });

  it('plays a tour that shows answers, a cancelled stream, a refusal and the costs', async () => {
    const lines: string[] = [];
    await new Tour(url, app.get(CallbacksService), (text) => void lines.push(text)).play();

    const output = lines.join('\n');
    expect(output).toContain('1  Ada: Where is my order 1042?');
    expect(output).toContain('→ Order 1042 left our warehouse');
    expect(output).toContain('→ Send the item back within 30 days.');
    expect(output).toContain('→ 403 Say who you are');
    expect(output).toMatch(/together +5 +\d+ +\$0\.000\d{3}/);
    expect((await get<AuditEntry[]>('/audit')).map(({ outcome }) => outcome)).toContain(
      'cancelled',
    );
  });

  it('stops its mock when it is closed', async () => {
    await app.close();

    await expect(fetch(models.openai.baseURL!)).rejects.toThrow('fetch failed');
  });

  it('asks a provider itself when its key is set, and the mock for the other one', async () => {
    const connections = await ModelConnections.open({ OPENAI_API_KEY: 'key' });
    await connections.onApplicationShutdown();

    expect(connections.openai).toEqual({});
    expect(connections.anthropic.baseURL).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(connections.describe()).toContain('ANTHROPIC_API_KEY');
  });

  function ask(question: string, headers: Record<string, string> = {}): Promise<Response> {
    return post({ question }, headers);
  }

  function post(body: object, headers: Record<string, string>): Promise<Response> {
    return fetch(`${url}/tickets/answer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  function read(question: string, headers: Record<string, string> = {}): Promise<Response> {
    const query = new URLSearchParams({ q: question }).toString();
    return fetch(`${url}/tickets/stream?${query}`, { headers });
  }

  async function get<T>(path: string): Promise<T> {
    return (await (await fetch(`${url}${path}`)).json()) as T;
  }

  function nextEnd(): Promise<void> {
    return new Promise((resolve) => {
      app.get(CallbacksService).on('llm.end', () => resolve(), { order: Infinity });
    });
  }
});
