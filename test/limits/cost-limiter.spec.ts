import { afterEach, expect, it } from '@jest/globals';
import {
  AgentService,
  BudgetExceededError,
  CallbacksConfigurationError,
  CallbacksModule,
  CostLimiter,
  defineTool,
  getLlmToken,
  InterceptLlm,
  LimitKeyMissingError,
  LlmService,
  type CostLimiterOptions,
  type InterceptedLlmCall,
  type LlmNext,
} from 'nestjs-llm-callbacks';
import { fakeLlmResponse } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';
import { describeStores } from '../support/limit-stores.js';
import { eventually, MeteredLlm, PRICES, startLimited } from '../support/limited.js';

afterEach(closeApps);

/** The maximum cost of a call: ten cents a token. */
const atMost = (maxOutputTokens: number) => ({ maxOutputTokens });

describeStores('A cost limiter', (newStore) => {
  const limiterOf = (options: CostLimiterOptions) =>
    new CostLimiter({ store: newStore(), ...options });

  it('returns the answer that exceeds a budget, and rejects the next call unsent', async () => {
    const limiter = limiterOf({ maxCost: 1 });
    const { llm, provider } = await startLimited([limiter], 12);

    expect((await llm.generate('first')).cost).toBeCloseTo(1.2);
    await expect(llm.generate('second')).rejects.toMatchObject({
      name: 'BudgetExceededError',
      message: 'CostLimiter: the call may use up to $409.6; limit $1, used $1.2, reserved $0.',
      key: 'global',
      limit: 1,
      used: 1.2,
    });
    expect(provider.requests).toHaveLength(1);
  });

  it('does not let concurrent calls exceed the budget together', async () => {
    const limiter = limiterOf({ maxCost: 1 });
    const { llm, provider } = await startLimited([limiter], 3);

    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, () => llm.generate('hi', atMost(3))),
    );

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(provider.requests).toHaveLength(3);
    expect(await limiter.usage()).toMatchObject({ used: 0.9, reserved: 0, remaining: 0.1 });
  });

  it('reserves the maximum cost of a call, and settles its actual cost', async () => {
    const limiter = limiterOf({ maxCost: 1 });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const first = llm.generate('hi', atMost(8));
    await provider.asked(1);
    expect(await limiter.usage()).toMatchObject({ used: 0, reserved: 0.8, remaining: 0.2 });
    await expect(llm.generate('hi', atMost(3))).rejects.toBeInstanceOf(BudgetExceededError);

    provider.requests[0]!.answer(2);
    await first;

    expect(await limiter.usage()).toMatchObject({ used: 0.2, reserved: 0, remaining: 0.8 });
  });

  it('allows a call that may exceed the whole budget while nothing has been used', async () => {
    const limiter = limiterOf({ maxCost: 1 });
    const { llm } = await startLimited([limiter], 2);

    await llm.generate('hi', atMost(50));
    await expect(llm.generate('hi', atMost(50))).rejects.toBeInstanceOf(BudgetExceededError);
    await llm.generate('hi', atMost(8));
  });

  it('gives each user, tenant, model and key a budget', async () => {
    for (const [per, one, other] of [
      ['user', { userId: 'ada' }, { userId: 'bob' }],
      ['tenant', { tenantId: 'acme' }, { tenantId: 'other' }],
      ['model', { model: 'fake' }, { model: 'fake-2' }],
      [(event) => event.tags[0], { tags: ['a'] }, { tags: ['b'] }],
    ] satisfies [CostLimiterOptions['per'], object, object][]) {
      const limiter = limiterOf({ maxCost: 0.1, per });
      const prices = { ...PRICES, 'fake-2': PRICES.fake };
      const { llm } = await startLimited([limiter], 1, { prices });

      await llm.generate('hi', { ...atMost(1), ...one });
      await expect(llm.generate('hi', { ...atMost(1), ...one })).rejects.toBeInstanceOf(
        BudgetExceededError,
      );
      await llm.generate('hi', { ...atMost(1), ...other });
    }
  });

  it('accepts keys of any length and form, and distinguishes them', async () => {
    const limiter = limiterOf({ maxCost: 0.1, per: 'user' });
    const { llm } = await startLimited([limiter]);
    const keys = [
      '{a}',
      'a b',
      'a:b',
      'ä\n',
      '\ud800',
      'x'.repeat(10_000),
      `${'x'.repeat(10_000)}y`,
    ];

    for (const userId of keys) {
      await llm.generate('hi', { ...atMost(1), userId });
      expect((await limiter.usage(userId)).used).toBe(0.1);
    }
  });

  it('rejects a call without a key, and gives the reason', async () => {
    const limiter = limiterOf({ maxCost: 1, per: 'user' });
    const { llm, provider } = await startLimited([limiter]);

    await expect(llm.generate('hi')).rejects.toThrow(/the call has no userId/);
    await expect(llm.generate('hi', { userId: '' })).rejects.toBeInstanceOf(LimitKeyMissingError);
    expect(provider.requests).toHaveLength(0);
  });

  it('counts all calls without a key together, if configured', async () => {
    const limiter = limiterOf({ maxCost: 0.1, per: 'user', onMissingKey: 'global' });
    const { llm } = await startLimited([limiter]);

    await llm.generate('hi', atMost(1));
    await expect(llm.generate('hi', atMost(1))).rejects.toMatchObject({ key: 'global' });
    await llm.generate('hi', { ...atMost(1), userId: 'ada' });
  });

  it('enforces several limits at once, all or nothing', async () => {
    const limiter = limiterOf({
      limits: [
        { maxCost: 0.5, per: 'global' },
        { maxCost: 0.2, per: 'user' },
      ],
    });
    const { llm } = await startLimited([limiter]);
    const ask = (userId: string) => llm.generate('hi', { ...atMost(1), userId });

    await ask('ada');
    await ask('ada');
    await expect(ask('ada')).rejects.toMatchObject({ key: 'ada', limit: 0.2 });
    expect((await limiter.usage('ada')).limits).toMatchObject([
      { key: 'global', per: 'global', used: 0.2, reserved: 0 },
      { key: 'ada', per: 'user', used: 0.2, reserved: 0 },
    ]);
    await ask('bob');
    await ask('bob');
    await ask('eve');
    await expect(ask('eve')).rejects.toMatchObject({ key: 'global', limit: 0.5 });
  });

  it('gets the limit of each call from a function', async () => {
    const limiter = limiterOf({
      per: 'user',
      maxCost: async ({ userId }) => (userId === 'vip' ? Infinity : 0.1),
    });
    const { llm } = await startLimited([limiter]);
    const ask = (userId: string) => llm.generate('hi', { ...atMost(1), userId });

    await ask('ada');
    await expect(ask('ada')).rejects.toBeInstanceOf(BudgetExceededError);
    for (let i = 0; i < 5; i++) await ask('vip');
    expect(await limiter.usage('ada')).toMatchObject({ used: 0.1, limit: 0.1, remaining: 0 });
    expect(await limiter.usage('vip')).toMatchObject({
      used: 0.5,
      limit: Infinity,
      remaining: Infinity,
    });
    expect(await limiter.usage('nobody')).toMatchObject({ used: 0, limit: null, remaining: null });
  });

  it.each([NaN, -1, '1', undefined, 1e8])('rejects a call whose limit is %p', async (value) => {
    const limiter = limiterOf({ maxCost: () => value as number });
    const { llm, provider } = await startLimited([limiter]);

    await expect(llm.generate('hi')).rejects.toThrow(/^CostLimiter: maxCost is /);
    expect(provider.requests).toHaveLength(0);
  });

  it('fails a call with the error of its functions, and reserves nothing', async () => {
    const broken = new Error('no database');
    const limiter = limiterOf({ maxCost: () => Promise.reject(broken) });
    const { llm } = await startLimited([limiter]);

    await expect(llm.generate('hi')).rejects.toBe(broken);
    expect(await limiter.usage()).toMatchObject({ used: 0, reserved: 0 });
  });

  it('rejects calls with an unknown price, unless configured to allow them', async () => {
    const strict = await startLimited([limiterOf({ maxCost: 1 })], 1, { prices: {} });
    await expect(strict.llm.generate('hi')).rejects.toThrow(/the price of fake\/fake is not known/);
    expect(strict.provider.requests).toHaveLength(0);

    const limiter = limiterOf({ maxCost: 1, unknownPrice: 'allow' });
    const lenient = await startLimited([limiter], 1, { prices: {} });
    await lenient.llm.generate('hi');
    expect(await limiter.usage()).toMatchObject({ used: 0, reserved: 0 });
  });

  it('allows free calls, also when the budget is spent', async () => {
    const prices = { ...PRICES, local: { inputPerMillion: 0, outputPerMillion: 0 } };
    const { llm } = await startLimited([limiterOf({ maxCost: 0.1 })], 1, { prices });

    await llm.generate('hi');
    await expect(llm.generate('hi')).rejects.toBeInstanceOf(BudgetExceededError);
    await llm.generate('hi', { model: 'local' });
  });

  it('reserves nothing for an answer without a request', async () => {
    class Cache {
      @InterceptLlm() answer() {
        return fakeLlmResponse({ text: 'cached' });
      }
    }
    const limiter = limiterOf({ maxCost: 0 });
    const { llm, provider } = await startLimited([new Cache(), limiter]);

    expect((await llm.generate('hi')).text).toBe('cached');
    expect(provider.requests).toHaveLength(0);
  });

  it('reserves each request of a fallback separately, by the price of its client', async () => {
    class Fallback {
      @InterceptLlm() async ask(call: InterceptedLlmCall, next: LlmNext) {
        try {
          return await next();
        } catch {
          return next(call.request, { client: 'backup' });
        }
      }
    }
    const limiter = limiterOf({ maxCost: 1 });
    const [main, backup] = [new MeteredLlm('by hand'), new MeteredLlm('by hand')];
    const { llm } = await startApp(
      {
        imports: [
          CallbacksModule.forFeature({ name: 'backup', llm: { provider: backup, model: 'b' } }),
        ],
      },
      {
        llm: { provider: main, model: 'fake' },
        callbacks: [new Fallback(), limiter],
        prices: { ...PRICES, b: { inputPerMillion: 0, outputPerMillion: 200_000 } },
      },
    );
    const call = llm.generate('hi', atMost(2));
    await main.asked(1);
    expect((await limiter.usage()).reserved).toBe(0.2);
    main.requests[0]!.fail();
    await backup.asked(1);
    expect(await limiter.usage()).toMatchObject({ used: 0, reserved: 0.4 });
    backup.requests[0]!.answer(1);
    await call;
    expect(await limiter.usage()).toMatchObject({ used: 0.2, reserved: 0 });
  });

  it('limits only the runs of a named client, if listed there', async () => {
    const limiter = limiterOf({ maxCost: 0 });
    const { llm, module } = await startApp(
      { imports: [CallbacksModule.forFeature({ name: 'small', callbacks: [limiter] })] },
      { llm: { provider: new MeteredLlm(), model: 'fake' }, prices: PRICES },
    );
    await llm.generate('hi');
    await expect(
      module.get<LlmService>(getLlmToken('small')).generate('hi'),
    ).rejects.toBeInstanceOf(BudgetExceededError);
  });

  it('ends an agent when the budget is spent', async () => {
    const look = defineTool({ name: 'look', description: 'Looks.', execute: () => 'seen' });
    const { module, fake, llm } = await startApp(
      {},
      {
        answers: [{ toolCalls: [{ name: 'look' }] }, 'never'],
        agent: { tools: [look] },
        prices: { fake: { inputPerMillion: 0, outputPerMillion: 1_000_000 } },
        callbacks: [limiterOf({ maxCost: 0.5 })],
      },
    );
    await expect(module.get(AgentService).run('Look!')).rejects.toBeInstanceOf(BudgetExceededError);
    expect(fake.requests).toHaveLength(1);
    await expect(llm.generate('hi')).rejects.toBeInstanceOf(BudgetExceededError);
  });

  it('works as a provider of the application', async () => {
    const limiter = limiterOf({ maxCost: 0 });
    const { llm, module } = await startApp(
      { providers: [{ provide: CostLimiter, useValue: limiter }] },
      { llm: { provider: new MeteredLlm(), model: 'fake' }, prices: PRICES },
    );
    expect(module.get(CostLimiter)).toBe(limiter);
    await expect(llm.generate('hi')).rejects.toBeInstanceOf(BudgetExceededError);
  });

  it('keeps the reservations of one application when another one with the limiter closes', async () => {
    const leaseMs = 50;
    const limiter = limiterOf({ maxCost: 1, leaseMs });
    const start = async () => {
      const provider = new MeteredLlm('by hand');
      const providers = [{ provide: CostLimiter, useValue: limiter }];
      const llm = { provider, model: 'fake' };
      return { ...(await startApp({ providers }, { llm, prices: PRICES })), provider };
    };
    const [one, other] = [await start(), await start()];
    const call = one.llm.generate('hi', atMost(5));
    await one.provider.asked(1);
    await other.module.close();

    await new Promise((resolve) => setTimeout(resolve, 3 * leaseMs));

    await eventually(async () => (await limiter.usage()).reserved === 0.5);
    one.provider.requests[0]!.answer(1);
    expect((await call).cost).toBeCloseTo(0.1);
  });

  it('shares a budget with limiters of the same store, name and key', async () => {
    const store = newStore();
    const { llm } = await startLimited([new CostLimiter({ maxCost: 0.1, store })]);
    const same = await startLimited([new CostLimiter({ maxCost: 0.1, store })]);
    const named = await startLimited([new CostLimiter({ maxCost: 0.1, store, name: 'other' })]);

    await llm.generate('hi', atMost(1));
    await expect(same.llm.generate('hi', atMost(1))).rejects.toBeInstanceOf(BudgetExceededError);
    await named.llm.generate('hi', atMost(1));
  });

  it('calls onThreshold once when a part of the budget is used', async () => {
    const notices: unknown[] = [];
    const onThreshold = (reached: unknown) => void notices.push(reached);
    const store = newStore();
    const options = { maxCost: 1, per: 'user' as const, onThreshold, store };
    const one = await startLimited([new CostLimiter(options)], 3);
    const other = await startLimited([new CostLimiter(options)], 3);
    const ask = ({ llm }: typeof one) => llm.generate('hi', { ...atMost(3), userId: 'ada' });

    await ask(one);
    await ask(other);
    expect(notices).toEqual([]);
    await ask(one);
    const ada = { key: 'ada', limit: 1 };
    expect(notices).toEqual([{ ...ada, used: 0.9, ratio: 0.9, refused: false }]);
    await expect(ask(other)).rejects.toBeInstanceOf(BudgetExceededError);
    await expect(ask(one)).rejects.toBeInstanceOf(BudgetExceededError);
    expect(notices.slice(1)).toEqual([{ ...ada, used: 0.9, ratio: 0.9, refused: true }]);
  });

  it('does not fail calls when onThreshold fails', async () => {
    const onThreshold = () => Promise.reject(new Error('no mail'));
    const limiter = limiterOf({ maxCost: 0.1, onThreshold, threshold: 0.01 });
    const { llm } = await startLimited([limiter]);

    expect((await llm.generate('hi')).text).toBe('word ');
  });

  it('can be reset, and updated from the next reservation on', async () => {
    const limiter = limiterOf({ maxCost: 1 });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const first = llm.generate('hi', atMost(9));
    await provider.asked(1);

    limiter.update({ maxCost: 2 });
    const second = llm.generate('hi', atMost(9));
    await provider.asked(2);
    for (const request of provider.requests) request.answer(9);
    await Promise.all([first, second]);
    expect(await limiter.usage()).toMatchObject({ used: 1.8, limit: 2 });
    limiter.update({ maxCost: 1 });
    await expect(llm.generate('hi', atMost(1))).rejects.toMatchObject({ limit: 1, used: 1.8 });

    await limiter.reset();

    expect(await limiter.usage()).toMatchObject({ used: 0, limit: 1, remaining: 1 });
    expect(() => limiter.update({ maxCost: -1 })).toThrow(CallbacksConfigurationError);
    expect(() => limiter.update({ store: newStore() } as never)).toThrow(/cannot change store/);
    expect((await limiter.usage()).limit).toBe(1);
  });

  it('resets one user, and keeps the usage of other users and of the overall limit', async () => {
    const limiter = limiterOf({
      limits: [{ maxCost: 1 }, { maxCost: 1, per: 'user', window: 'day' }],
    });
    const { llm } = await startLimited([limiter]);
    for (const userId of ['ada', 'bob']) await llm.generate('hi', { ...atMost(1), userId });

    await limiter.reset('ada');

    const used = async (key: string) => (await limiter.usage(key)).limits.map((use) => use.used);
    expect(await used('ada')).toEqual([0.2, 0]);
    expect(await used('bob')).toEqual([0.2, 0.1]);
    const [, day] = (await limiter.usage('ada')).limits;
    expect(day!.resetsAt).toBeGreaterThan(Date.now());
  });

  it('releases the reservation of an aborted call, and counts no usage for it', async () => {
    const limiter = limiterOf({ maxCost: 1 });
    const { llm, provider } = await startLimited([limiter], 'by hand');
    const leaving = new AbortController();
    const call = llm.generate('hi', { ...atMost(9), signal: leaving.signal });
    await provider.asked(1);
    leaving.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });

    await eventually(async () => (await limiter.usage()).reserved === 0);
    expect((await limiter.usage()).used).toBe(0);
  });
});
