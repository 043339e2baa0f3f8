import { afterEach, expect, it } from '@jest/globals';
import {
  BudgetExceededError,
  CallbacksService,
  CostLimiter,
  type EmbedRequest,
  type EmbedResult,
  LlmServerError,
  type LlmProviderContext,
  NO_USAGE,
  RateLimiter,
  RateLimitExceededError,
  UnknownPriceError,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { defer, type Deferred } from '../../src/util/promises.js';
import { always, closeApps, startApp } from '../support/app.js';
import { settle } from '../support/gate.js';
import { describeStores } from '../support/limit-stores.js';

afterEach(closeApps);

/** A dollar per token. */
const PRICES = { embedder: { inputPerMillion: 1_000_000, outputPerMillion: 0 } };

/** Answers with a number of tokens, or when the test lets it. */
class Metered extends FakeLlm {
  readonly open: Deferred<number>[] = [];

  constructor(private readonly tokens: number | 'by hand') {
    super(always({ text: 'x', usage: { ...NO_USAGE, inputTokens: 2, totalTokens: 2 } }));
  }

  override async embed(request: EmbedRequest, context: LlmProviderContext): Promise<EmbedResult> {
    const answering = defer<number>();
    this.open.push(answering);
    if (this.tokens !== 'by hand') answering.resolve(this.tokens);
    const inputTokens = await answering.promise;
    const result = await super.embed(request, context);
    return { ...result, usage: { ...NO_USAGE, inputTokens, totalTokens: inputTokens } };
  }
}

async function start(
  limiter: object,
  tokens: ConstructorParameters<typeof Metered>[0] = 1,
  embeddingModel = 'embedder',
) {
  const provider = new Metered(tokens);
  const app = await startApp(
    {},
    {
      prices: PRICES,
      llm: { provider, model: 'fake', embeddingModel },
      callbacks: [limiter],
    },
  );
  return { ...app, provider };
}

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describeStores('The limit of embeddings', (newStore) => {
  it('in dollars reserves the upper bound of the input and settles at the cost', async () => {
    const limiter = new CostLimiter({ maxCost: 20, store: newStore() });
    const { llm, provider } = await start(limiter, 'by hand');
    const call = llm.embed('0123456789');
    while (provider.open.length === 0) await settle();
    // A token is at least one byte; there is no output.
    expect(await limiter.usage()).toMatchObject({ reserved: 10, used: 0, unit: 'usd' });
    const refused = await errorOf(llm.embed('0123456789-'));
    expect(refused).toBeInstanceOf(BudgetExceededError);
    expect((refused as Error).message).toContain('may use up to $11; limit $20');
    provider.open[0]!.resolve(3);
    expect((await call).cost).toBe(3);
    expect(await limiter.usage()).toMatchObject({ reserved: 0, used: 3 });
    expect(provider.embedRequests).toHaveLength(1);
  });

  it('in dollars is one budget with that of LLM calls, for each user', async () => {
    const limiter = new CostLimiter({ maxCost: 30, per: 'user', store: newStore() });
    const { llm, module } = await start(limiter, 4);
    await module.get(CallbacksService).run({ userId: 'ada' }, async () => {
      await llm.embed('0123456789');
      await llm.embed('0123456789');
    });
    await llm.embed('0123456789', { userId: 'bob' });
    expect(await limiter.usage('ada')).toMatchObject({ used: 8 });
    expect(await limiter.usage('bob')).toMatchObject({ used: 4 });
    await expect(llm.embed('0123456789')).rejects.toMatchObject({ code: 'limit_key_missing' });
  });

  it('in dollars rejects a model without a price, unless that is allowed', async () => {
    const strict = await start(new CostLimiter({ maxCost: 1, store: newStore() }), 1, 'unknown');
    expect(await errorOf(strict.llm.embed('x'))).toBeInstanceOf(UnknownPriceError);
    const limiter = new CostLimiter({ maxCost: 1, unknownPrice: 'allow', store: newStore() });
    const { llm } = await start(limiter, 1, 'unknown');
    await expect(llm.embed('x')).resolves.toMatchObject({ cost: null });
  });

  it('rejects forever what cannot fit even with the fewest tokens', async () => {
    const limiter = new CostLimiter({ maxCost: 1, mode: 'wait', store: newStore() });
    const { llm } = await start(limiter);
    const refused = await errorOf(llm.embed('x'.repeat(17)));
    expect(refused).toBeInstanceOf(BudgetExceededError);
    expect((refused as Error).message).toContain('It needs at least $3, so it can never fit.');
  });

  it('in requests counts each request of a call, and rejects the next one', async () => {
    const limiter = new RateLimiter({ requestsPerMinute: 2, store: newStore() });
    const { llm, provider } = await start(limiter);
    await llm.embed(Array.from({ length: 2_049 }, () => 'x'));
    expect(await limiter.usage()).toMatchObject({ used: 2, unit: 'requests' });
    expect(await errorOf(llm.embed('x'))).toBeInstanceOf(RateLimitExceededError);
    expect(provider.embedRequests).toHaveLength(2);
    expect(await errorOf(llm.embed([]))).toBeUndefined();
  });

  it('in tokens counts the input, together with LLM calls', async () => {
    const limiter = new RateLimiter({ tokensPerMinute: 100, store: newStore() });
    const { llm } = await start(limiter, 7);
    await llm.embed('0123456789');
    expect(await limiter.usage()).toMatchObject({ used: 7, unit: 'tokens' });
    await llm.generate('x', { maxOutputTokens: 5 });
    expect(await limiter.usage()).toMatchObject({ used: 9 });
    expect(await errorOf(llm.embed('x'.repeat(92)))).toBeInstanceOf(RateLimitExceededError);
  });

  it('makes a call wait for its turn', async () => {
    const limiter = new CostLimiter({ maxCost: 10, mode: 'wait', store: newStore() });
    const { llm, provider } = await start(limiter, 'by hand');
    const calls = [llm.embed('0123456789'), llm.embed('01234')];
    while (provider.open.length === 0) await settle();
    provider.open[0]!.resolve(1);
    await calls[0];
    while (provider.open.length === 1) await settle();
    provider.open[1]!.resolve(1);
    await calls[1];
    expect(await limiter.usage()).toMatchObject({ used: 2, reserved: 0 });
  });

  it('is released by a call that fails', async () => {
    const limiter = new CostLimiter({ maxCost: 10, store: newStore() });
    const { llm, provider } = await start(limiter, 'by hand');
    const call = errorOf(llm.embed('0123456789'));
    while (provider.open.length === 0) await settle();
    provider.open[0]!.reject(new LlmServerError('down'));
    await call;
    expect(await limiter.usage()).toMatchObject({ used: 0, reserved: 0 });
  });

  it('is of a key that a function returns from the start event', async () => {
    const limiter = new RateLimiter({
      requestsPerMinute: 1,
      per: (event) => (event.type === 'embedding.start' ? event.input[0] : undefined),
      store: newStore(),
    });
    const { llm, module } = await start(limiter);
    await llm.embed('a');
    await llm.embed('b');
    expect(await errorOf(llm.embed('a'))).toBeInstanceOf(RateLimitExceededError);
    const { limiters } = module.get(CallbacksService).report();
    expect(limiters).toMatchObject([{ limits: [{ unit: 'requests' }] }]);
  });
});
