import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  AgentService,
  BindContext,
  CallbackAbort,
  type CallbackEvent,
  CallbacksConfigurationError,
  CallbacksModule,
  type CallbacksModuleOptions,
  CallbacksService,
  CostTracker,
  type EmbedRequest,
  type EmbedResult,
  LlmAbortedError,
  LlmInvalidRequestError,
  type LlmProvider,
  type LlmProviderContext,
  LlmResponseError,
  LlmServerError,
  LlmService,
  LlmTimeoutError,
  MetricsCallbacks,
  NO_USAGE,
  OnEmbeddingEnd,
  OnEmbeddingStart,
  TokenCounter,
  Tool,
  UNREPORTED_USAGE,
} from 'nestjs-llm-callbacks';
import { FakeLlm, overrideLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { defer } from '../../src/util/promises.js';
import { closeApps, startApp, willClose } from '../support/app.js';

afterEach(closeApps);

const PRICES = { embedder: { inputPerMillion: 1_000_000, outputPerMillion: 0 } };

/** A provider whose embeddings the test decides. */
class Embedder extends FakeLlm {
  contexts: LlmProviderContext[] = [];

  constructor(
    private readonly answer?: (request: EmbedRequest, number: number) => unknown,
    answers: ConstructorParameters<typeof FakeLlm>[0] = [],
  ) {
    super(answers);
  }

  override async embed(request: EmbedRequest, context: LlmProviderContext): Promise<EmbedResult> {
    this.contexts.push(context);
    const plain = await super.embed(request, context);
    if (this.answer === undefined) return plain;
    return (await this.answer(request, this.embedRequests.length)) as EmbedResult;
  }
}

async function start(
  provider: LlmProvider = new Embedder(),
  options: Omit<CallbacksModuleOptions, 'llm'> & { embeddingModel?: string } = {},
  providers: Parameters<typeof startApp>[0] = {},
) {
  const recording = new RecordingCallbacks();
  const { embeddingModel = 'embedder', callbacks = [], ...root } = options;
  const app = await startApp(providers, {
    prices: PRICES,
    ...root,
    llm: { provider, model: 'fake', embeddingModel },
    callbacks: [recording, ...callbacks],
  });
  return { ...app, recording, callbacks: app.module.get(CallbacksService) };
}

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('llm.embed()', () => {
  it('returns a vector for each text, in order, with usage, cost and attempts', async () => {
    const { llm } = await start();
    const response = await llm.embed(['printer', 'scanner']);
    expect(response).toMatchObject({
      model: 'embedder',
      provider: 'fake',
      dimensions: 8,
      // Seven letters are two tokens.
      usage: { inputTokens: 4, outputTokens: 0, totalTokens: 4, source: 'estimated' },
      cost: 4,
      attempts: [{ provider: 'fake', model: 'embedder', cost: 4 }],
    });
    expect(response.durationMs).toBeGreaterThanOrEqual(0);
    expect(response.embeddings).toHaveLength(2);
    expect(response).not.toHaveProperty('cached');
    const { embeddings } = await llm.embed('scanner');
    expect(embeddings).toEqual([response.embeddings[1]]);
    expect(embeddings[0]).not.toEqual(response.embeddings[0]);
  });

  it('passes the model, the dimensions and the options of the provider on', async () => {
    const provider = new Embedder();
    const { llm } = await start(provider);
    const { dimensions, embeddings } = await llm.embed('printer', {
      model: 'large',
      dimensions: 3,
      providerOptions: { user: 'x' },
    });
    expect(provider.embedRequests).toEqual([
      { model: 'large', input: ['printer'], dimensions: 3, providerOptions: { user: 'x' } },
    ]);
    expect([dimensions, embeddings[0]!.length]).toEqual([3, 3]);
  });

  it('emits embedding.start and embedding.end with the context of the call', async () => {
    const { llm, recording } = await start();
    const response = await llm.embed(['printer', 'ü'], {
      userId: 'ada',
      tenantId: 'acme',
      conversationId: 'c1',
      tags: ['index'],
      metadata: { job: 7 },
      dimensions: 4,
    });
    expect(recording.tree()).toEqual([
      { kind: 'embedding', events: ['embedding.start', 'embedding.end'], children: [] },
    ]);
    const [started] = recording.of('embedding.start');
    expect(started).toMatchObject({
      input: ['printer', 'ü'],
      dimensions: 4,
      // A token is at least one byte.
      estimate: { inputTokens: 9, maxCost: 9 },
      provider: 'fake',
      model: 'embedder',
      userId: 'ada',
      tenantId: 'acme',
      conversationId: 'c1',
      tags: ['index'],
      metadata: { job: 7 },
    });
    const [ended] = recording.of('embedding.end');
    expect(ended!.response).toBe(response);
    expect(ended).toMatchObject({ count: 2, dimensions: 4, tokenCount: 3, cost: 3, userId: 'ada' });
    expect(ended!.usage).toBe(response.usage);
    expect(ended!.attempts).toBe(response.attempts);
  });

  it('emits embedding.error with what was used, and rejects with the same error', async () => {
    const failure = new LlmServerError('down');
    const { llm, recording } = await start(new Embedder(() => Promise.reject(failure)));
    expect(await errorOf(llm.embed('printer'))).toBe(failure);
    expect(recording.events.map(({ type }) => type)).toEqual([
      'embedding.start',
      'embedding.error',
    ]);
    expect(recording.of('embedding.error')[0]).toMatchObject({
      error: failure,
      usage: NO_USAGE,
      cost: 0,
      aborted: false,
      attempts: [{ model: 'embedder', error: failure }],
    });
  });

  it('sends nothing without texts', async () => {
    const provider = new Embedder();
    const { llm, recording } = await start(provider);
    expect(await llm.embed([])).toMatchObject({
      embeddings: [],
      dimensions: 0,
      model: 'embedder',
      usage: NO_USAGE,
      cost: 0,
      attempts: [],
    });
    expect(provider.embedRequests).toEqual([]);
    expect(recording.of('embedding.end')[0]).toMatchObject({ count: 0, dimensions: 0 });
  });

  it('calls handlers of every form, also those of one call, and fails if a critical one does', async () => {
    const seen: string[] = [];
    @Injectable()
    class Watch {
      @OnEmbeddingStart() start() {
        seen.push('start');
      }
      @OnEmbeddingEnd({ critical: true, when: ({ count }) => count > 1 }) end() {
        seen.push('end');
        throw new CallbackAbort('too many');
      }
    }
    const { llm } = await start(undefined, {}, { providers: [Watch] });
    const own = { onEmbeddingEnd: () => void seen.push('own') };
    await llm.embed('printer', { callbacks: [own] });
    expect(seen).toEqual(['start', 'own']);
    await expect(llm.embed(['a', 'b'])).rejects.toThrow('too many');
  });

  it('is bound to the contexts of @BindContext()', async () => {
    const storage = new AsyncLocalStorage<string>();
    class Bind {
      @BindContext() bind({ type }: CallbackEvent) {
        return <T>(work: () => T): T => storage.run(type, work);
      }
    }
    const seen: (string | undefined)[] = [];
    const provider = new Embedder(({ input, model }) => {
      seen.push(storage.getStore());
      return { embeddings: input.map(() => [1]), model, usage: NO_USAGE };
    });
    const { llm } = await start(provider, {
      callbacks: [new Bind(), { onEmbeddingEnd: () => void seen.push(storage.getStore()) }],
    });
    await llm.embed('printer');
    expect(seen).toEqual(['embedding.start', 'embedding.start']);
    expect(storage.getStore()).toBeUndefined();
  });

  it('waits for start handlers, and sends nothing if a critical one fails', async () => {
    const provider = new Embedder();
    const { llm, callbacks } = await start(provider);
    callbacks.on('embedding.start', () => Promise.reject(new CallbackAbort('no')), {
      critical: true,
    });
    await expect(llm.embed('printer')).rejects.toThrow('no');
    expect(provider.embedRequests).toEqual([]);
  });
});

describe('llm.embed() with many texts', () => {
  it('sends 2,048 texts in one request, and more in several of one run, in order', async () => {
    const provider = new Embedder();
    const { llm, recording } = await start(provider);
    const texts = Array.from({ length: 4_097 }, (_, i) => `text ${i}`);
    await llm.embed(texts.slice(0, 2_048));
    expect(provider.embedRequests).toHaveLength(1);
    provider.embedRequests.length = 0;
    recording.clear();

    const { embeddings, usage, cost, attempts } = await llm.embed(texts);
    expect(provider.embedRequests.map(({ input }) => input.length)).toEqual([2_048, 2_048, 1]);
    expect(provider.embedRequests.flatMap(({ input }) => input)).toEqual(texts);
    expect(embeddings).toHaveLength(4_097);
    expect(embeddings[4_096]).toEqual((await llm.embed(texts[4_096]!)).embeddings[0]);
    expect(attempts).toHaveLength(3);
    expect(usage.inputTokens).toBe(attempts.reduce((n, one) => n + one.usage!.inputTokens, 0));
    expect(cost).toBe(usage.inputTokens);
    const [ended] = recording.of('embedding.end');
    expect(ended).toMatchObject({ count: 4_097, cost });
    expect(recording.of('embedding.start')[0]!.input).toEqual(texts);
  });

  it('sends at most 300,000 estimated tokens in one request, and a longer text alone', async () => {
    const provider = new Embedder();
    const { llm } = await start(provider);
    // Four letters are a token.
    const tokens = (count: number) => 'abcd'.repeat(count);
    await llm.embed([tokens(100_000), tokens(200_000), 'x', tokens(300_001), 'y']);
    expect(provider.embedRequests.map(({ input }) => input.map(({ length }) => length))).toEqual([
      [400_000, 800_000],
      [1],
      [1_200_004],
      [1],
    ]);
  });

  it('counts the requests before the one that failed', async () => {
    const provider = new Embedder(({ input, model }, number) => {
      if (number === 2) throw new LlmServerError('down');
      const embeddings = input.map(() => [1]);
      return { embeddings, model, usage: { ...NO_USAGE, inputTokens: 7, totalTokens: 7 } };
    });
    const { llm, recording } = await start(provider);
    await expect(llm.embed(Array.from({ length: 5_000 }, () => 'x'))).rejects.toThrow('down');
    expect(provider.embedRequests).toHaveLength(2);
    const [failed] = recording.of('embedding.error');
    expect(failed).toMatchObject({ cost: 7, usage: { inputTokens: 7 } });
    expect(failed!.attempts.map(({ error }) => error?.message)).toEqual([undefined, 'down']);
  });

  it('fails if different models answered, whose vectors cannot be compared', async () => {
    for (const other of [{ model: 'b' }, { embeddings: [[1, 2]] }]) {
      const provider = new Embedder(({ input }, number) => ({
        embeddings: input.map(() => [1]),
        model: 'a',
        usage: UNREPORTED_USAGE,
        ...(number === 2 && other),
      }));
      const { llm } = await start(provider);
      const error = await errorOf(llm.embed(Array.from({ length: 2_049 }, () => 'x')));
      expect(error).toBeInstanceOf(LlmResponseError);
      expect((error as Error).message).toContain('different models');
    }
  });
});

describe('llm.embed() rejects before any event', () => {
  it.each([
    ['a value that is no text', [7], 'texts[0] must be a text.'],
    ['a hole in the list', Array.from({ length: 1 }), 'texts[0] must be a text.'],
    ['no input', undefined, 'The text must be a text.'],
    ['an empty text', '', 'The text is empty'],
    ['an empty text in a list', ['x', ''], 'texts[1] is empty'],
  ])('%s', async (_what, input, message) => {
    const { llm, recording } = await start();
    const error = await errorOf(llm.embed(input as string[]));
    expect(error).toBeInstanceOf(LlmInvalidRequestError);
    expect((error as Error).message).toContain(message);
    expect(recording.events).toEqual([]);
  });

  it.each([
    ['dimensions of 0', { dimensions: 0 }, 'dimensions must be'],
    ['a fraction of dimensions', { dimensions: 1.5 }, 'dimensions must be'],
    ['an empty model', { model: '' }, 'model must be'],
    ['a timeout of 0', { timeoutMs: 0 }, 'timeoutMs must be'],
    ['a signal that is none', { signal: 5 }, 'signal must be'],
    ['provider options that are no object', { providerOptions: 'x' }, 'providerOptions must be'],
    ['tags that are no list', { tags: 'x' }, 'tags must be'],
  ])('%s', async (_what, options, message) => {
    const { llm, recording } = await start();
    const error = await errorOf(llm.embed('x', options as object));
    expect(error).toBeInstanceOf(LlmInvalidRequestError);
    expect((error as Error).message).toContain(message);
    expect(recording.events).toEqual([]);
  });

  it('an unknown option, and names the known one', async () => {
    const { llm } = await start();
    const error = await errorOf(llm.embed('x', { dimension: 5 } as object));
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect((error as Error).message).toContain('dimensions');
    await expect(llm.embed('x', { maxOutputTokens: 5 } as object)).rejects.toBeInstanceOf(
      CallbacksConfigurationError,
    );
  });

  it('a call without a model, if the client has none for embeddings', async () => {
    const { llm, recording } = await startApp().then(async (app) => ({
      ...app,
      recording: new RecordingCallbacks(),
    }));
    const error = await errorOf(llm.embed('x', { callbacks: [recording] }));
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect((error as Error).message).toContain('llm.embeddingModel');
    expect(recording.events).toEqual([]);
    await expect(llm.embed('x', { model: 'own' })).resolves.toMatchObject({ model: 'own' });
  });

  it('a call of a provider without embed()', async () => {
    const chatty = Object.assign(new FakeLlm(), { name: 'chatty', embed: undefined });
    const { llm, recording } = await start(chatty);
    const error = await errorOf(llm.embed('x'));
    expect(error).toBeInstanceOf(LlmInvalidRequestError);
    expect((error as Error).message).toContain('"chatty" does not embed texts');
    expect(recording.events).toEqual([]);
  });

  it('a call of an Anthropic client', async () => {
    const { module } = await startApp({
      imports: [
        CallbacksModule.forFeature({
          name: 'claude',
          llm: { provider: 'anthropic', model: 'x', apiKey: 'k', embeddingModel: 'y' },
        }),
      ],
    });
    const llm = module.get<LlmService>(Symbol.for('nestjs-llm-callbacks:llm:claude'));
    expect(await errorOf(llm.embed('x'))).toBeInstanceOf(LlmInvalidRequestError);
  });

  it('a model for embeddings that is no name', async () => {
    await expect(start(undefined, { embeddingModel: '' })).rejects.toThrow(
      /llm\.embeddingModel must be the name of a model, not an empty text/,
    );
  });
});

describe('The answer of a provider to llm.embed()', () => {
  it.each([
    ['nothing', undefined, 'no usage'],
    ['no embeddings', { usage: NO_USAGE }, 'no embeddings'],
    ['no usage', { embeddings: [[1], [2]] }, 'no usage'],
    ['too few vectors', { embeddings: [[1]], usage: NO_USAGE }, '1 embeddings instead of 2'],
    ['too many', { embeddings: [[1], [2], [3]], usage: NO_USAGE }, '3 embeddings instead of 2'],
    ['an empty vector', { embeddings: [[], []], usage: NO_USAGE }, 'without numbers'],
    ['a vector that is missing', { embeddings: [[1], null], usage: NO_USAGE }, 'without numbers'],
    ['other lengths', { embeddings: [[1], [2, 3]], usage: NO_USAGE }, 'different lengths'],
    ['NaN', { embeddings: [[1], [Number.NaN]], usage: NO_USAGE }, 'no finite number'],
    ['Infinity', { embeddings: [[Infinity], [1]], usage: NO_USAGE }, 'no finite number'],
    ['a text', { embeddings: [['1'], ['2']], usage: NO_USAGE }, 'no finite number'],
    ['a hole', { embeddings: [[1, 2], Array.from({ length: 2 })], usage: NO_USAGE }, 'no finite'],
  ])('is rejected if it is or has %s', async (_what, answer, message) => {
    const { llm } = await start(new Embedder(() => answer));
    const error = await errorOf(llm.embed(['a', 'b']));
    expect(error).toBeInstanceOf(LlmResponseError);
    expect((error as Error).message).toContain(message);
  });

  it('gets the requested model and an estimated usage where it has none', async () => {
    const { llm } = await start(
      new Embedder(() => ({ embeddings: [[1]], usage: UNREPORTED_USAGE })),
    );
    expect(await llm.embed('printer')).toMatchObject({
      model: 'embedder',
      usage: { inputTokens: 2, source: 'estimated' },
    });
  });

  it('is priced by the model that answered, and by its counts', async () => {
    const provider = new Embedder(() => ({
      embeddings: [[1]],
      model: 'text-embedding-3-small',
      usage: { ...NO_USAGE, inputTokens: 1_000_000, totalTokens: 1_000_000 },
    }));
    const { llm } = await startApp(
      {},
      { llm: { provider, model: 'x', embeddingModel: 'alias', label: 'openai' } },
    );
    expect(await llm.embed('x')).toMatchObject({ cost: 0.02, provider: 'openai' });
    const large = await llm.embed('x', { model: 'text-embedding-3-large' });
    expect(large.model).toBe('text-embedding-3-small');
  });

  it('has the error of the provider as the cause if that is none of this package', async () => {
    const cause = new TypeError('odd');
    const { llm } = await start(new Embedder(() => Promise.reject(cause)));
    await expect(llm.embed('x')).rejects.toMatchObject({ name: 'LlmServerError', cause });
  });
});

describe('A call of llm.embed() is stopped', () => {
  it('by its signal', async () => {
    const asked = defer<void>();
    const provider = new Embedder(() => {
      asked.resolve();
      return new Promise(() => undefined);
    });
    const { llm, recording } = await start(provider);
    const stop = new AbortController();
    const call = errorOf(llm.embed('x', { signal: stop.signal }));
    await asked.promise;
    stop.abort(new Error('enough'));
    expect(await call).toBeInstanceOf(LlmAbortedError);
    expect(provider.contexts[0]!.signal.aborted).toBe(true);
    expect(recording.of('embedding.error')[0]).toMatchObject({ aborted: true });
  });

  it('by its timeoutMs', async () => {
    const { llm } = await start(new Embedder(() => new Promise(() => undefined)));
    expect(await errorOf(llm.embed('x', { timeoutMs: 5 }))).toBeInstanceOf(LlmTimeoutError);
  });

  it('between its requests', async () => {
    const stop = new AbortController();
    const provider = new Embedder(({ input, model }) => {
      stop.abort();
      return { embeddings: input.map(() => [1]), model, usage: UNREPORTED_USAGE };
    });
    const { llm } = await start(provider);
    const texts = Array.from({ length: 2_049 }, () => 'x');
    expect(await errorOf(llm.embed(texts, { signal: stop.signal }))).toBeInstanceOf(
      LlmAbortedError,
    );
    expect(provider.embedRequests).toHaveLength(1);
  });
});

describe('The usage and cost of embeddings', () => {
  it('are counted by the built-in callbacks', async () => {
    const costs = new CostTracker();
    const tokens = new TokenCounter();
    const metrics = new MetricsCallbacks();
    const provider = new Embedder(
      ({ input, model }, number) => {
        if (number > 1) throw new LlmServerError('down');
        return {
          embeddings: input.map(() => [1]),
          model,
          usage: { ...NO_USAGE, inputTokens: 7, totalTokens: 7 },
        };
      },
      ['hello'],
    );
    const { llm } = await start(provider, { callbacks: [costs, tokens, metrics] });
    await llm.embed('x', { userId: 'ada' });
    await errorOf(llm.embed('y'));
    expect(costs.snapshot()).toMatchObject({
      totalCost: 7,
      totalTokens: 7,
      requestCount: 2,
      byModel: { embedder: { cost: 7, requests: 2 } },
      byUser: { ada: { cost: 7 } },
    });
    expect(tokens.promptTokens).toBe(7);
    expect(metrics.summary()).toMatchObject({
      llm: { count: 0 },
      embeddings: { count: 2, errors: 1, inputTokens: 7, totalTokens: 7 },
      byModel: { embedder: { count: 2 } },
    });
    metrics.reset();
    expect(metrics.summary().embeddings.count).toBe(0);
  });

  it('belong to the chain, tool and agent around them', async () => {
    @Injectable()
    class Search {
      constructor(readonly llm: LlmService) {}
      @Tool({ description: 'Searches.' }) async search() {
        const { dimensions } = await this.llm.embed('printer');
        return { dimensions };
      }
    }
    const provider = new Embedder(undefined, [
      { toolCalls: [{ name: 'search' }], usage: NO_USAGE },
      { text: 'done', usage: NO_USAGE },
    ]);
    const { module, recording, callbacks } = await start(
      provider,
      { agent: { tools: ['search'] } },
      { providers: [Search] },
    );
    const agent = module.get(AgentService);
    const { cost, usage } = await callbacks.chain('answer', '', () => agent.run('Find it'));
    expect([cost, usage.inputTokens]).toEqual([2, 2]);
    const [chain] = recording.tree();
    const [run] = chain!.children;
    expect(run!.children.map(({ kind }) => kind)).toEqual(['llm', 'tool', 'llm']);
    expect(run!.children[1]!.children).toMatchObject([{ kind: 'embedding' }]);
  });
});

describe('A FakeLlm', () => {
  it('embeds in place of the provider of a client', async () => {
    const fake = new FakeLlm();
    const builder = Test.createTestingModule({
      imports: [
        CallbacksModule.forRoot({
          llm: {
            provider: 'openai',
            model: 'gpt-5-mini',
            embeddingModel: 'text-embedding-3-small',
          },
        }),
      ],
    });
    const app = willClose(await overrideLlm(builder, fake).compile());
    const response = await app.get(LlmService).embed('printer');
    expect(response).toMatchObject({ provider: 'openai', dimensions: 8 });
    expect(response.cost).toBeCloseTo(2 * 0.02e-6, 12);
    expect(fake.embedRequests).toEqual([{ model: 'text-embedding-3-small', input: ['printer'] }]);
    expect(Math.hypot(...response.embeddings[0]!)).toBeCloseTo(1);
  });

  it('says that it is no service if it is called as one', async () => {
    const fake = new FakeLlm() as unknown as LlmService;
    await expect(fake.embed('x')).rejects.toThrow('overrideLlm');
  });
});
