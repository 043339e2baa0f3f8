import { createHook } from 'node:async_hooks';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  CacheInterceptor,
  CallbackAbort,
  CallbacksModule,
  CircuitBreakerInterceptor,
  CostLimiter,
  CostTracker,
  FallbackInterceptor,
  LlmContentFilterError,
  LlmInvalidRequestError,
  LlmOverloadedError,
  LlmRateLimitError,
  LlmServerError,
  LlmTimeoutError,
  MemoryLimitStore,
  NO_USAGE,
  OnLlmStreamChunk,
  RetryInterceptor,
  SchemaValidationError,
  TimeoutInterceptor,
  type LlmProvider,
  type LlmService,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { z } from 'zod';
import { defer } from '../../src/util/promises.js';
import { always, closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

const usage = { ...NO_USAGE, inputTokens: 10, outputTokens: 5, totalTokens: 15 };
const HELLO: FakeAnswer = { text: 'hello there', usage };
/** The frames of one answer. */
const COST = 0.02;
const PRICES = {
  fake: { inputPerMillion: 1_000, outputPerMillion: 2_000 },
  other: { inputPerMillion: 1_000, outputPerMillion: 2_000 },
};

/** Fails as configured, in every way that a provider can; then answers. */
class Moody implements LlmProvider {
  readonly name = 'fake';
  readonly asked: string[] = [];
  readonly #good = new FakeLlm(Array.from({ length: 2_000 }, () => HELLO));
  constructor(private readonly moods: (Error | 'silent' | 'half')[]) {}

  async generate(...[request, context]: Parameters<LlmProvider['generate']>) {
    this.asked.push(request.model);
    const mood = this.moods.shift();
    if (mood instanceof Error) throw mood;
    if (mood === 'silent') return never();
    return this.#good.generate(request, context);
  }

  async *stream(...[request, context]: Parameters<LlmProvider['stream']>) {
    this.asked.push(request.model);
    const mood = this.moods.shift();
    if (mood instanceof Error) throw mood;
    if (mood !== undefined) yield { type: 'text' as const, text: 'half' };
    if (mood === 'half') throw new LlmServerError('lost');
    if (mood === 'silent') await never();
    yield* this.#good.stream(request, context);
  }
}

/** Answers once it has two requests. */
class Simultaneous implements LlmProvider {
  readonly name = 'fake';
  readonly #good = new FakeLlm([HELLO, HELLO]);
  readonly #both = defer<void>();
  #asked = 0;

  async generate(...args: Parameters<LlmProvider['generate']>) {
    await this.#ready();
    return this.#good.generate(...args);
  }

  async *stream(...args: Parameters<LlmProvider['stream']>) {
    await this.#ready();
    yield* this.#good.stream(...args);
  }

  #ready(): Promise<void> {
    if (++this.#asked === 2) this.#both.resolve();
    return this.#both.promise;
  }
}

const never = () => new Promise<never>(() => undefined);

async function start(
  moods: ConstructorParameters<typeof Moody>[0] | LlmProvider,
  callbacks: object[],
  backup: FakeAnswer[] = always(HELLO),
) {
  const recording = new RecordingCallbacks();
  const costs = new CostTracker();
  const moody = new Moody(Array.isArray(moods) ? moods : []);
  const provider = Array.isArray(moods) ? moody : moods;
  const spare = Object.assign(new FakeLlm(backup), { name: 'spare' });
  const feature = CallbacksModule.forFeature({
    name: 'backup',
    llm: { provider: spare, model: 'other' },
  });
  const app = await startApp(
    { imports: [feature] },
    {
      llm: { provider, model: 'fake' },
      prices: PRICES,
      callbacks: [recording, costs, ...callbacks],
    },
  );
  return { ...app, recording, costs, moody, spare };
}

async function ask(llm: LlmService, method: Method, options = {}) {
  return method === 'generate' ? llm.generate('hi', options) : llm.stream('hi', options).response;
}

const METHODS = ['generate', 'stream'] as const;
type Method = (typeof METHODS)[number];
const quick = { initialDelayMs: 0 };
const down = () => new LlmServerError('down');

describe.each(METHODS)('RetryInterceptor, by %s', (method) => {
  it('sends the request again, emits each retry, and counts one call', async () => {
    const { llm, moody, recording, costs } = await start(
      [down(), down()],
      [new RetryInterceptor(quick)],
    );
    const response = await ask(llm, method);
    expect(response).toMatchObject({ text: 'hello there', cost: COST });
    expect(response.attempts).toHaveLength(3);
    expect(moody.asked).toHaveLength(3);
    expect(recording.of('llm.retry').map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(costs.snapshot()).toMatchObject({ requestCount: 1, totalCost: COST });
  });

  it('gives up after maxRetries', async () => {
    const { llm, moody } = await start(
      [down(), down(), down()],
      [new RetryInterceptor({ ...quick, maxRetries: 1 })],
    );
    await expect(ask(llm, method)).rejects.toThrow('down');
    expect(moody.asked).toHaveLength(2);
  });

  it('does not retry errors that would occur again', async () => {
    const { llm, moody } = await start(
      [new LlmInvalidRequestError('odd')],
      [new RetryInterceptor(quick)],
    );
    await expect(ask(llm, method)).rejects.toThrow('odd');
    expect(moody.asked).toHaveLength(1);
  });

  it('waits for the provider’s Retry-After, unless it is too long', async () => {
    const limited = (retryAfterMs: number) => new LlmRateLimitError('slow down', { retryAfterMs });
    const first = await start([limited(20)], [new RetryInterceptor()]);
    const { attempts } = await ask(first.llm, method);
    expect(attempts).toHaveLength(2);
    expect(first.recording.of('llm.retry')[0]!.delayMs).toBeGreaterThanOrEqual(15);
    const second = await start([limited(60_000)], [new RetryInterceptor()]);
    await expect(ask(second.llm, method)).rejects.toBeInstanceOf(LlmRateLimitError);
    // Timers fire at once when their delay exceeds 2^31 - 1.
    const patient = new RetryInterceptor({ maxDelayMs: Number.POSITIVE_INFINITY });
    const third = await start([limited(2 ** 31)], [patient]);
    await expect(ask(third.llm, method)).rejects.toBeInstanceOf(LlmRateLimitError);
    expect(third.moody.asked).toHaveLength(1);
  });

  it('does not wait when the call is aborted', async () => {
    const limited = new LlmRateLimitError('slow down', { retryAfterMs: 29_000 });
    const { llm, module, moody } = await start([limited], [new RetryInterceptor()]);
    const left = new AbortController();
    const failing = ask(llm, method, { signal: left.signal }).catch((error: unknown) => error);
    while (moody.asked.length === 0) await new Promise(setImmediate);
    await new Promise(setImmediate);
    left.abort();
    expect(await failing).toMatchObject({ name: 'AbortError' });
    await module.close();
    expect(moody.asked).toHaveLength(1);
  });
});

it('RetryInterceptor keeps the process alive only while it waits', async () => {
  const waits: NodeJS.Timeout[] = [];
  const watch = createHook({
    init(_id, type, _trigger, resource) {
      const { ['_idleTimeout']: ms } = resource as { _idleTimeout?: number };
      if (type === 'Timeout' && ms === 29_000) waits.push(resource as NodeJS.Timeout);
    },
  });
  const limited = new LlmRateLimitError('slow down', { retryAfterMs: 29_000 });
  const { llm } = await start([limited], [new RetryInterceptor()]);
  const left = new AbortController();
  watch.enable();
  const failing = ask(llm, 'generate', { signal: left.signal }).catch((error: unknown) => error);
  while (waits.length === 0) await new Promise(setImmediate);
  watch.disable();
  expect(waits[0]!.hasRef()).toBe(true);
  left.abort();
  await failing;
  expect(waits[0]).toMatchObject({ _destroyed: true });
});

it('RetryInterceptor does not restart a stream after its first chunk', async () => {
  const { llm, moody, recording } = await start(['half'], [new RetryInterceptor(quick)]);
  await expect(ask(llm, 'stream')).rejects.toThrow('lost');
  expect(moody.asked).toHaveLength(1);
  expect(recording.of('llm.error')).toMatchObject([{ text: 'half' }]);
});

describe.each(METHODS)('FallbackInterceptor, by %s', (method) => {
  it('calls the next client with its model and its prices; one call, each attempt emitted', async () => {
    const { llm, moody, spare, recording, costs } = await start(
      [down()],
      [new FallbackInterceptor({ clients: ['backup'] })],
    );
    const response = await ask(llm, method);
    expect(response).toMatchObject({
      provider: 'spare',
      model: 'other',
      cost: COST,
      attempts: [
        { provider: 'fake', model: 'fake', error: { message: 'down' } },
        { provider: 'spare', model: 'other', cost: COST },
      ],
    });
    expect(moody.asked).toEqual(['fake']);
    expect(spare.requests).toHaveLength(1);
    expect(recording.tree()).toHaveLength(1);
    expect(recording.of('llm.retry')).toMatchObject([{ attempt: 1, error: { message: 'down' } }]);
    expect([...costs.byModel.keys()]).toEqual(['other']);
    expect(costs.requestCount).toBe(1);
  });

  it.each([
    ['a refused request', new LlmInvalidRequestError('odd')],
    ['a content filter', new LlmContentFilterError('no')],
    ['a refusal by a callback', new CallbackAbort('closed')],
  ])('does not catch %s', async (_what, error) => {
    const { llm, spare } = await start([error], [new FallbackInterceptor({ clients: ['backup'] })]);
    await expect(ask(llm, method)).rejects.toBe(error);
    expect(spare.requests).toEqual([]);
  });

  it('fails with the error of the last client', async () => {
    const { llm, recording } = await start(
      [down()],
      [new FallbackInterceptor({ clients: ['backup'] })],
      [new Error('also down')],
    );
    await expect(ask(llm, method)).rejects.toThrow('also down');
    expect(recording.of('llm.error')).toMatchObject([
      { provider: 'spare', model: 'other', attempts: [{}, {}] },
    ]);
  });
});

it('FallbackInterceptor does not change the client of a stream after its first chunk', async () => {
  const { llm, spare } = await start(['half'], [new FallbackInterceptor({ clients: ['backup'] })]);
  await expect(ask(llm, 'stream')).rejects.toThrow('lost');
  expect(spare.requests).toEqual([]);
});

describe.each(METHODS)('CacheInterceptor, by %s', (method) => {
  it('answers the same request again from the cache, free of charge', async () => {
    const { llm, moody, recording, costs } = await start(
      [],
      [new CacheInterceptor({ ttlMs: 60_000 })],
    );
    const first = await ask(llm, method);
    const second = await ask(llm, method);
    expect(first.cached).toBeUndefined();
    expect(second).toMatchObject({
      text: 'hello there',
      cached: true,
      cost: 0,
      usage: { totalTokens: 0 },
      attempts: [],
    });
    expect(moody.asked).toHaveLength(1);
    expect(recording.of('llm.end').map(({ response }) => response.cached)).toEqual([
      undefined,
      true,
    ]);
    expect(costs.snapshot()).toMatchObject({ requestCount: 2, totalCost: COST });
  });

  it('serves a stream from a cached whole answer, and the other way round', async () => {
    const { llm, moody } = await start([], [new CacheInterceptor()]);
    await ask(llm, method);
    await ask(llm, method === 'stream' ? 'generate' : 'stream');
    expect(moody.asked).toHaveLength(1);
  });

  it('compares the whole request, whatever the order of its properties', async () => {
    const { llm, moody } = await start([], [new CacheInterceptor()]);
    await ask(llm, method, { temperature: 0, providerOptions: { a: 1, b: 2 } });
    await ask(llm, method, { providerOptions: { b: 2, a: 1 }, temperature: 0 });
    expect(moody.asked).toHaveLength(1);
    await ask(llm, method, { temperature: 1 });
    await ask(llm, method, { temperature: 0, system: 'Be kind.' });
    expect(moody.asked).toHaveLength(3);
  });

  it('emits llm.cache on a hit, with the key, the age and what was saved', async () => {
    const stored = new Map<string, string>();
    const store = {
      get: (key: string) => stored.get(key),
      set: (key: string, value: string) => void stored.set(key, value),
    };
    const { llm, recording } = await start([], [new CacheInterceptor({ store })]);
    const now = jest.spyOn(Date, 'now').mockReturnValue(1_000_000);
    try {
      await ask(llm, method, { userId: 'ada' });
      expect(recording.of('llm.cache')).toEqual([]);
      now.mockReturnValue(1_000_250);
      await ask(llm, method, { userId: 'ada' });
      // The clock of another process may be behind.
      now.mockReturnValue(999_999);
      await ask(llm, method, { userId: 'ada' });
    } finally {
      now.mockRestore();
    }
    const [first, hit, early] = recording.of('llm.end').map(({ runId }) => runId);
    const [key] = [...stored.keys()];
    expect(recording.of('llm.cache')).toMatchObject([
      {
        runId: hit,
        userId: 'ada',
        key: key!.slice(-64),
        ageMs: 250,
        savedCost: COST,
        savedUsage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
      },
      { runId: early, ageMs: 0 },
    ]);
    expect(key!.slice(-64)).toMatch(/^[0-9a-f]{64}$/);
    const typesOf = (run?: string) =>
      recording.events
        .filter(({ runId, type }) => runId === run && type !== 'llm.chunk')
        .map(({ type }) => type);
    expect(typesOf(first)).toEqual(['llm.start', 'llm.end']);
    expect(typesOf(hit)).toEqual(['llm.start', 'llm.cache', 'llm.end']);
  });

  it('counts simultaneous calls of one request as no hits: each is sent', async () => {
    const { llm, recording } = await start(new Simultaneous(), [new CacheInterceptor()]);
    await Promise.all([ask(llm, method), ask(llm, method)]);
    expect(recording.of('llm.end')).toMatchObject([{ cached: undefined }, { cached: undefined }]);
    expect(recording.of('llm.cache')).toEqual([]);
    expect((await ask(llm, method)).cached).toBe(true);
  });

  it('separates tenants by the partition function', async () => {
    const cache = new CacheInterceptor({ partition: ({ tenantId }) => tenantId });
    const { llm, moody } = await start([], [cache]);
    await ask(llm, method, { tenantId: 'a' });
    await ask(llm, method, { tenantId: 'b' });
    await ask(llm, method, { tenantId: 'a' });
    expect(moody.asked).toHaveLength(2);
  });

  it('separates tenants and users by default', async () => {
    const { llm, moody } = await start([], [new CacheInterceptor()]);
    const callers = [{ tenantId: 'a' }, { tenantId: 'b' }, { userId: 'a' }, {}];
    const both = { tenantId: 'a', userId: 'x' };
    for (const caller of [...callers, both, { ...both, userId: 'y' }])
      expect((await ask(llm, method, caller)).cached).toBeUndefined();
    expect(moody.asked).toHaveLength(6);
    for (const caller of [...callers, both])
      expect((await ask(llm, method, caller)).cached).toBe(true);
    expect(moody.asked).toHaveLength(6);
  });

  it('returns the same answers to all users if shared', async () => {
    const { llm, moody } = await start([], [new CacheInterceptor({ shared: true })]);
    await ask(llm, method, { tenantId: 'a', userId: 'x' });
    await ask(llm, method, { tenantId: 'b' });
    await ask(llm, method);
    expect(moody.asked).toHaveLength(1);
  });

  it('does not store errors or truncated answers', async () => {
    const { llm, moody } = await start([down()], [new CacheInterceptor()]);
    await expect(ask(llm, method)).rejects.toThrow('down');
    await ask(llm, method);
    expect(moody.asked).toHaveLength(2);
    const cut = await startApp(
      {},
      {
        answers: always({ text: 'cut', finishReason: 'length' }),
        callbacks: [new CacheInterceptor()],
      },
    );
    await ask(cut.llm, method);
    await ask(cut.llm, method);
    expect(cut.fake.requests).toHaveLength(2);
  });

  it('stores answers that match the schema, and nothing of a call that fails validation', async () => {
    const answers = ['bad', ...(method === 'generate' ? ['bad', 'bad'] : []), '{"a":1}'];
    const { llm, fake } = await startApp({}, { answers, callbacks: [new CacheInterceptor()] });
    const schema = z.object({ a: z.number() });
    await expect(ask(llm, method, { schema })).rejects.toBeInstanceOf(SchemaValidationError);
    expect((await ask(llm, method, { schema })).object).toEqual({ a: 1 });
    const again = await ask(llm, method, { schema });
    expect(again).toMatchObject({ object: { a: 1 }, cached: true, cost: 0 });
    expect(fake.requests).toHaveLength(answers.length);
  });

  it('works when the store fails, and ignores broken entries', async () => {
    const broken = {
      get: () => Promise.reject(new Error('away')),
      set: () => Promise.reject(new Error('away')),
    };
    const odd = { get: () => '{"no":"answer"}', set: () => undefined };
    for (const store of [broken, odd]) {
      const { llm } = await start([], [new CacheInterceptor({ store })]);
      expect((await ask(llm, method)).text).toBe('hello there');
    }
  });

  it('returns answers that callers cannot change for others', async () => {
    const { llm } = await start([], [new CacheInterceptor()]);
    const first = await ask(llm, method);
    first.message.content = 'changed';
    expect((await ask(llm, method)).message.content).toBe('hello there');
  });
});

it('CacheInterceptor stores a bounded number of answers', async () => {
  const { llm, moody } = await start([], [new CacheInterceptor()]);
  for (let i = 0; i <= 1_000; i++) await llm.generate(`question ${i}`);
  await llm.generate('question 1000');
  expect(moody.asked).toHaveLength(1_001);
  await llm.generate('question 0');
  expect(moody.asked).toHaveLength(1_002);
});

describe.each(METHODS)('TimeoutInterceptor, by %s', (method) => {
  it('aborts a request to a silent provider', async () => {
    const { llm, recording } = await start(['silent'], [new TimeoutInterceptor({ timeoutMs: 20 })]);
    await expect(ask(llm, method)).rejects.toBeInstanceOf(LlmTimeoutError);
    expect(recording.of('llm.error')).toMatchObject([
      { aborted: false, attempts: [{ error: { code: 'timeout' } }] },
    ]);
  });

  it('lets an outer interceptor call another client', async () => {
    const fallback = new FallbackInterceptor({ clients: ['backup'] });
    // Before the first chunk: a provider that sends nothing from the start.
    const mute = {
      name: 'fake',
      generate: never,
      stream: () => ({ [Symbol.asyncIterator]: () => ({ next: never }) }),
    };
    const { llm } = await start(mute, [fallback, new TimeoutInterceptor({ timeoutMs: 20 })]);
    expect(await ask(llm, method)).toMatchObject({
      provider: 'spare',
      attempts: [{ error: { code: 'timeout' } }, {}],
    });
  });
});

describe.each(METHODS)('CircuitBreakerInterceptor, by %s', (method) => {
  it('stops calling a client that keeps failing, so that another one is called at once', async () => {
    const breaker = new CircuitBreakerInterceptor({ failures: 2 });
    const { llm, moody } = await start([down(), down()], [breaker]);
    for (let i = 0; i < 2; i++) await expect(ask(llm, method)).rejects.toThrow('down');
    expect(breaker.state()).toBe('open');
    await expect(ask(llm, method)).rejects.toBeInstanceOf(LlmOverloadedError);
    expect(moody.asked).toHaveLength(2);
  });

  it('does not count errors that the client did not cause', async () => {
    const breaker = new CircuitBreakerInterceptor({ failures: 1 });
    const { llm } = await start([new LlmInvalidRequestError('odd')], [breaker]);
    await expect(ask(llm, method)).rejects.toThrow('odd');
    expect(breaker.state()).toBe('closed');
  });

  it('has a circuit for each client', async () => {
    const breaker = new CircuitBreakerInterceptor({ failures: 1 });
    const { llm, moody, spare } = await start(
      [down(), down()],
      [new FallbackInterceptor({ clients: ['backup'] }), breaker],
    );
    expect((await ask(llm, method)).provider).toBe('spare');
    expect((await ask(llm, method)).provider).toBe('spare');
    expect([breaker.state(), breaker.state('backup')]).toEqual(['open', 'closed']);
    expect([moody.asked.length, spare.requests.length]).toEqual([1, 2]);
  });

  it('lets one request through after a while', async () => {
    const breaker = new CircuitBreakerInterceptor({ failures: 1, resetMs: 10 });
    const { llm } = await start([down()], [breaker]);
    await expect(ask(llm, method)).rejects.toThrow('down');
    while (breaker.state() === 'open') {
      await ask(llm, method).catch(() => undefined);
    }
    expect(breaker.state()).toBe('closed');
  });

  it('ignores a trial that was rejected before the client was called', async () => {
    const breaker = new CircuitBreakerInterceptor({ failures: 1, resetMs: 10 });
    const { llm, moody } = await start([down(), new CallbackAbort('refused')], [breaker]);
    while (moody.asked.length < 2) await ask(llm, method).catch(() => undefined);
    expect(breaker.state()).toBe('open');
    while (breaker.state() === 'open') await ask(llm, method).catch(() => undefined);
    expect(breaker.state()).toBe('closed');
  });
});

describe('Cache, fallback and retry in one chain', () => {
  const chain = () => [
    new CacheInterceptor(),
    new FallbackInterceptor({ clients: ['backup'] }),
    new RetryInterceptor({ ...quick, maxRetries: 1 }),
  ];

  it.each(METHODS)(
    'are one call, by %s: emitted as one, tokens and cost counted once',
    async (method) => {
      const { llm, moody, spare, recording, costs } = await start([down(), down()], chain());
      const response = await ask(llm, method);
      const chunks = method === 'stream' ? ['llm.chunk', 'llm.chunk'] : [];
      expect(recording.tree()).toEqual([
        {
          kind: 'llm',
          events: ['llm.start', 'llm.retry', 'llm.retry', ...chunks, 'llm.end'],
          children: [],
        },
      ]);
      expect(response.attempts.map(({ provider, error }) => [provider, error?.message])).toEqual([
        ['fake', 'down'],
        ['fake', 'down'],
        ['spare', undefined],
      ]);
      expect([moody.asked.length, spare.requests.length]).toEqual([2, 1]);

      recording.clear();
      await ask(llm, method);
      const replayed = method === 'stream' ? ['llm.chunk'] : [];
      expect(recording.tree()).toEqual([
        { kind: 'llm', events: ['llm.start', 'llm.cache', ...replayed, 'llm.end'], children: [] },
      ]);
      expect([moody.asked.length, spare.requests.length]).toEqual([2, 1]);
      expect(costs.snapshot()).toMatchObject({ requestCount: 2, totalCost: COST, totalTokens: 15 });
    },
  );

  it.each(METHODS)(
    'reserve each request separately, and nothing for a cached answer, by %s',
    async (method) => {
      const store = new MemoryLimitStore();
      const reserve = jest.spyOn(store, 'reserve');
      const limiter = new CostLimiter({ maxCost: 1, store });
      // Listed first, and innermost nevertheless.
      const { llm } = await start([down(), down()], [limiter, ...chain()]);
      await ask(llm, method, { maxOutputTokens: 5 });
      expect(reserve).toHaveBeenCalledTimes(3);
      expect(await limiter.usage()).toMatchObject({ used: COST, reserved: 0 });
      await ask(llm, method, { maxOutputTokens: 5 });
      expect(reserve).toHaveBeenCalledTimes(3);
      expect(await limiter.usage()).toMatchObject({ used: COST, reserved: 0 });
    },
  );

  it('stop the inner stream when the consumer stops', async () => {
    const { llm, recording } = await start([], chain());
    for await (const chunk of llm.stream('hi')) if (chunk.type === 'text') break;
    expect(recording.of('llm.end')).toMatchObject([{ finishReason: 'cancelled', text: 'hello' }]);
  });

  it('do not override a critical chunk handler', async () => {
    class Stop {
      @OnLlmStreamChunk() no() {
        throw new CallbackAbort('enough');
      }
    }
    const { llm, moody, spare } = await start([], [...chain(), new Stop()]);
    await expect(ask(llm, 'stream')).rejects.toThrow('enough');
    expect([moody.asked.length, spare.requests.length]).toEqual([1, 0]);
  });
});

it.each([
  ['RetryInterceptor', 'maxRetries', () => new RetryInterceptor({ maxRetries: -1 })],
  ['FallbackInterceptor', 'clients', () => new FallbackInterceptor({ clients: [] })],
  ['CacheInterceptor', 'ttlMs', () => new CacheInterceptor({ ttlMs: Number.NaN })],
  ['CacheInterceptor', 'shared', () => new CacheInterceptor({ shared: 'yes' as never })],
  ['CacheInterceptor', 'partition', () => new CacheInterceptor({ partition: 'tenantId' as never })],
  [
    'CacheInterceptor',
    'shared and partition',
    () => new CacheInterceptor({ shared: true, partition: () => 'a' }),
  ],
  ['TimeoutInterceptor', 'timeoutMs', () => new TimeoutInterceptor({ timeoutMs: 0 })],
  ['CircuitBreakerInterceptor', 'failures', () => new CircuitBreakerInterceptor({ failures: 0.5 })],
])('%s rejects invalid options: %s', (name, _option, make) => {
  expect(make).toThrow(name);
});

it('Interceptors without required options can be listed as providers', async () => {
  const providers = [
    RetryInterceptor,
    CacheInterceptor,
    TimeoutInterceptor,
    CircuitBreakerInterceptor,
  ];
  const { llm, fake } = await startApp({ providers });
  await llm.generate('hi');
  await llm.generate('hi');
  expect(fake.requests).toHaveLength(1);
});
