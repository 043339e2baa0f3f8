import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConflictException } from '@nestjs/common';
import { CallbacksService } from 'nestjs-llm-callbacks';
import { OutageController } from '../../sample-app/desk/outage.controller.js';
import type { UserLimits } from '../../sample-app/limits/desk-limits.js';
import { LimitStorage } from '../../sample-app/limits/limit-storage.js';
import { ModelConnections } from '../../sample-app/models/model-connections.js';
import { Tour } from '../../sample-app/terminal/tour.js';
import { useRedis } from '../support/limit-stores.js';
import { describeWithRedisServer, freePort, RedisServer } from '../support/redis-server.js';
import { describeWithRedis, REDIS_URL } from '../support/services.js';
import { ADA, Desk } from './open-desk.js';

const GRACE = { 'x-user-id': 'grace' };
const ADMIN = { 'x-user-id': 'admin' };
/** A budget for one question: the reservation of a second one does not fit. */
const SMALL_BUDGET = { maxCost: 0.0005 };
/** The cost of one question, at the mock's prices. */
const COST = 0.000144;

const desks: Desk[] = [];

afterEach(async () => {
  for (const desk of desks.splice(0)) await desk.close();
});

async function openDesk(limits?: LimitStorage): Promise<Desk> {
  const desk = await Desk.open(limits);
  desks.push(desk);
  return desk;
}

describe('Limits of the desk, in memory', () => {
  testLimits(() => LimitStorage.open({}));

  it('are described in the terminal', async () => {
    expect(await LimitStorage.open({}).describe()).toBe('Limits are counted in this process.');
  });

  it('are reached in the tour, which restores them', async () => {
    const desk = await openDesk();
    const lines: string[] = [];
    const { url, app } = desk;
    await new Tour(url, app.get(CallbacksService), (text) => void lines.push(text)).play();

    const output = lines.join('\n');
    expect(output).toMatch(
      /Edsger: [^]*→ Order 1042 [^]*Edsger: [^]*→ 402 budget: the call may use up to/,
    );
    expect(output).toMatch(/fails once[^]*→ The backup will answer\.[^]*→ Send the item back/);
    expect(output).toMatch(
      /→ \$0\.000\d+ of \$0\.005 today, \d+ of 20 requests in the last minute/,
    );
    expect(output).toMatch(/gpt-5-nano +1 /);
    expect((await limitsOf(desk, 'ada')).budget.limit).toBe(0.005);
  });
});

describeWithRedis('Limits of the desk, on Redis', () => {
  const redis = useRedis();
  let storages = 0;

  function sharedBy(): () => LimitStorage {
    const prefix = `${redis.prefix}${storages++}:`;
    return () => LimitStorage.open({ REDIS_URL }, prefix);
  }

  testLimits(() => sharedBy()());

  it('are shared by two desks', async () => {
    const open = sharedBy();
    const [one, two] = [await openDesk(open()), await openDesk(open())];
    for (const desk of [one, two]) await change(desk, SMALL_BUDGET);

    expect((await ask(one)).status).toBe(200);
    expect((await ask(two)).status).toBe(402);
    expect((await limitsOf(two, 'ada')).rate.used).toBe(3);
    await forget(two, 'ada');
    expect((await ask(one)).status).toBe(200);
  });

  it('are described in the terminal with their store', async () => {
    const storage = sharedBy()();

    expect(await storage.describe()).toMatch(/^Limits are counted on Redis at \S+:\d+\.$/);
    storage.close();
  });
});

describe('A desk whose Redis is unavailable', () => {
  it('opens, reports it, and counts locally', async () => {
    const port = await freePort();

    expect(await openWith(port)).toEqual(alone(port));
  });

  it.each(['127.0.0.1:6379', 'http://127.0.0.1', 'redis://'])('does not open with %s', (url) => {
    expect(() => LimitStorage.open({ REDIS_URL: url })).toThrow('REDIS_URL must be like redis://');
  });
});

describeWithRedisServer('A desk whose Redis hangs', () => {
  it('opens, reports it, and counts locally', async () => {
    const server = await RedisServer.start();
    server.signal('SIGSTOP');
    const opened = await openWith(server.port);
    await server.stop();

    expect(opened).toEqual(alone(server.port));
  });
});

describe('A simulated outage of a model', () => {
  let desk: Desk;

  beforeEach(async () => {
    desk = await openDesk();
  });

  it('makes the backup answer, in one call of two attempts', async () => {
    expect(await (await fail('support')).json()).toEqual({ client: 'support', calls: 1 });
    const response = await ask(desk);

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ answer: expect.stringContaining('Order 1042') });
    const audit = await desk.get<object[]>('/audit');
    expect(audit).toHaveLength(4);
    expect(audit.at(-1)).toMatchObject({
      model: 'openai/gpt-5-nano',
      outcome: 'stop',
      attempts: [
        { model: 'openai/gpt-5-mini', outcome: 'overloaded' },
        { model: 'openai/gpt-5-nano', outcome: 'ok' },
      ],
    });
    expect((await limitsOf(desk, 'ada')).rate.used).toBe(3);
  });

  it('is over after the given number of calls', async () => {
    await fail('support', 2);
    for (let i = 0; i < 3; i++) await ask(desk);

    const audit = await desk.get<{ event: string; model: string }[]>('/audit');
    const answers = audit.filter(({ event, model }) => event === 'llm.end' && /gpt/.test(model));
    expect(answers.map(({ model }) => model)).toEqual([
      'openai/gpt-5-nano',
      'openai/gpt-5-nano',
      'openai/gpt-5-mini',
    ]);
  });

  it('makes the backup replace the model of the agent and of streams, too', async () => {
    await fail('support', 2);

    const question = 'Where is my order 1042?';
    const ticket = await desk.post('/tickets', { question }, ADA);
    expect(await ticket.json()).toMatchObject({ answer: expect.stringContaining('on Friday') });
    await fail('support');
    const stream = await desk.fetch('/tickets/stream?q=What+does+the+manual+say', ADA);
    expect(await stream.text()).not.toContain('event: failed');
  });

  it('is a 503 when the backup fails as well, and when its SDK retries', async () => {
    await fail('support');
    await fail('backup', 3);

    expect((await ask(desk)).status).toBe(503);
    expect((await ask(desk)).status).toBe(200);
  });

  it.each([{}, { client: 'nobody' }, { client: 'support', calls: -1 }])(
    'does not start with %j',
    async (body) => {
      expect((await desk.post('/outage', body, ADMIN)).status).toBe(400);
    },
  );

  it('is only for admins', async () => {
    expect((await desk.post('/outage', { client: 'support' }, ADA)).status).toBe(403);
  });

  it('is rejected if a real model is used', async () => {
    const models = await ModelConnections.open({ OPENAI_API_KEY: 'key' });
    const controller = new OutageController(models);
    await models.onApplicationShutdown();

    expect(() => controller.begin({ client: 'support', calls: 1 })).toThrow(ConflictException);
    const outage = { client: 'default', calls: 1 } as const;
    expect(controller.begin(outage)).toEqual(outage);
  });

  function fail(client: string, calls?: number): Promise<Response> {
    return desk.post('/outage', { client, calls }, ADMIN);
  }
});

/** The same tests for every storage. */
function testLimits(storage: () => LimitStorage): void {
  let desk: Desk;

  beforeEach(async () => {
    desk = await openDesk(storage());
  });

  it('answer 402 to a user whose budget is spent, before the model is called', async () => {
    await change(desk, SMALL_BUDGET);
    expect((await ask(desk)).status).toBe(200);
    const refused = await ask(desk);

    expect(refused.status).toBe(402);
    expect(await refused.json()).toMatchObject({
      code: 'budget_exceeded',
      message: expect.stringContaining('$0.0005 a day per user'),
    });
    const audit = await desk.get<object[]>('/audit');
    expect(audit.at(-1)).toMatchObject({ outcome: 'budget_exceeded', cost: 0, attempts: [] });
    expect((await ask(desk, GRACE)).status).toBe(200);
  });

  it('answer 429 to a user beyond the rate, with the time to retry after', async () => {
    await change(desk, { requestsPerMinute: 3 });
    await ask(desk);
    const refused = await ask(desk);

    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(desk, GRACE)).status).toBe(200);
  });

  it('are shown to their user: usage, remaining amount, and reset time', async () => {
    await ask(desk);

    expect(await limitsOf(desk, 'ada')).toEqual({
      user: 'ada',
      budget: {
        used: COST,
        reserved: 0,
        limit: 0.005,
        remaining: 0.005 - COST,
        resetsAt: expect.stringMatching(/T00:00:00\.000Z$/),
      },
      rate: { used: 2, reserved: 0, limit: 20, remaining: 18 },
    });
    expect((await limitsOf(desk, 'grace')).budget.used).toBe(0);
  });

  it('are changed by admins, one at a time or both', async () => {
    const response = await change(desk, { requestsPerMinute: 5 });
    expect([response.status, await response.json()]).toEqual([
      200,
      { maxCost: 0.005, requestsPerMinute: 5 },
    ]);
    await change(desk, { maxCost: 1, requestsPerMinute: 6 });

    const { budget, rate } = await limitsOf(desk, 'ada');
    expect([budget.limit, rate.limit]).toEqual([1, 6]);
  });

  it('are reset for one user', async () => {
    await change(desk, { requestsPerMinute: 2 });
    await ask(desk);
    await ask(desk, GRACE);
    expect((await forget(desk, 'ada')).status).toBe(204);

    expect((await ask(desk)).status).toBe(200);
    expect((await ask(desk, GRACE)).status).toBe(429);
  });

  it.each([
    ['nothing', {}],
    ['a word', { maxCost: 'much' }],
    ['less than nothing', { maxCost: -1 }],
    ['half a request', { requestsPerMinute: 0.5 }],
    ['what there is not', { maxCost: 1, tokens: 5 }],
  ])('are not changed by %s', async (_what, changes) => {
    expect((await change(desk, changes)).status).toBe(400);
    expect((await limitsOf(desk, 'ada')).budget.limit).toBe(0.005);
  });

  it('are not readable or changeable by others', async () => {
    const answers = await Promise.all([
      desk.fetch('/limits/ada'),
      desk.fetch('/limits/ada', GRACE),
      desk.send('PATCH', '/limits', SMALL_BUDGET, ADA),
      desk.send('DELETE', '/limits/ada', {}, ADA),
    ]);

    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    expect((await desk.fetch('/limits/a%20b', ADMIN)).status).toBe(400);
  });
}

/**
 * The output of a desk about its Redis at start-up, then of two questions at three requests a minute, and its limits.
 */
async function openWith(port: number) {
  const limits = LimitStorage.open({ REDIS_URL: `redis://127.0.0.1:${port}` });
  const said = await limits.describe();
  const desk = await openDesk(limits);
  await change(desk, { requestsPerMinute: 3 });
  const answers = [await ask(desk), await ask(desk), await desk.fetch('/limits/ada', ADA)];
  return { said, statuses: answers.map(({ status }) => status) };
}

function alone(port: number) {
  const away = `Redis at 127.0.0.1:${port} does not answer`;
  return {
    said: `${away}; until it does, limits are counted in this process.`,
    statuses: [200, 429, 503],
  };
}

function ask(desk: Desk, user = ADA): Promise<Response> {
  return desk.post('/tickets/answer', { question: 'Where is my order 1042?' }, user);
}

function change(desk: Desk, limits: object): Promise<Response> {
  return desk.send('PATCH', '/limits', limits, ADMIN);
}

function forget(desk: Desk, user: string): Promise<Response> {
  return desk.send('DELETE', `/limits/${user}`, {}, ADMIN);
}

async function limitsOf(desk: Desk, user: string): Promise<UserLimits> {
  return (await (await desk.fetch(`/limits/${user}`, ADMIN)).json()) as UserLimits;
}
