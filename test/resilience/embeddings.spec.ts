import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Scope } from '@nestjs/common';
import {
  CacheInterceptor,
  CallbacksConfigurationError,
  CallbacksModule,
  CircuitBreakerInterceptor,
  type EmbeddingNext,
  type EmbedRequest,
  type EmbedResult,
  FallbackInterceptor,
  getLlmToken,
  InterceptEmbedding,
  type InterceptedEmbeddingCall,
  type InterceptedModelCall,
  InterceptLlm,
  InterceptModel,
  LlmModelNotFoundError,
  LlmOverloadedError,
  type LlmProviderContext,
  LlmResponseError,
  LlmServerError,
  type LlmService,
  LlmTimeoutError,
  type ModelNext,
  RetryInterceptor,
  TimeoutInterceptor,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

type Mood = Error | 'silent' | undefined;

/** Fails as its list says, then embeds. */
class Moody extends FakeLlm {
  readonly retries: (number | undefined)[] = [];

  constructor(private readonly moods: Mood[] = []) {
    super(always('hello'));
  }

  override async embed(request: EmbedRequest, context: LlmProviderContext): Promise<EmbedResult> {
    this.retries.push(context.maxRetries);
    const result = await super.embed(request, context);
    const mood = this.moods.shift();
    if (mood instanceof Error) throw mood;
    if (mood === 'silent') {
      await new Promise((_, reject) => {
        context.signal.addEventListener('abort', () => reject(new Error('stopped')));
      });
    }
    return result;
  }
}

const PRICES = {
  embedder: { inputPerMillion: 1_000_000, outputPerMillion: 0 },
  spare: { inputPerMillion: 1_000_000, outputPerMillion: 0 },
};

async function start(
  callbacks: object[],
  moods: Mood[] = [],
  { spares = {}, ...metadata }: Parameters<typeof startApp>[0] & { spares?: object } = {},
) {
  const recording = new RecordingCallbacks();
  const provider = new Moody(moods);
  const spare = Object.assign(new Moody(), { name: 'other' });
  const chatty = Object.assign(new Moody(), { name: 'chatty', embed: undefined });
  const features = [
    { name: 'backup', llm: { provider: spare, model: 'x', embeddingModel: 'spare', ...spares } },
    {
      name: 'chatty',
      llm: { provider: chatty, model: 'x', embeddingModel: 'none' },
    },
    { name: 'modelless', llm: { provider: spare, model: 'x' } },
  ];
  const app = await startApp(
    { imports: features.map((feature) => CallbacksModule.forFeature(feature)), ...metadata },
    {
      prices: PRICES,
      llm: { provider, model: 'fake', embeddingModel: 'embedder' },
      callbacks: [recording, ...callbacks],
    },
  );
  return { ...app, provider, spare, recording };
}

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

const typesOf = ({ events }: RecordingCallbacks) => events.map(({ type }) => type);

describe('An interceptor of embeddings', () => {
  it('receives the request and the call, and may change the request', async () => {
    let seen: Record<string, unknown> = {};
    class Shout {
      @InterceptEmbedding()
      async shout(call: InterceptedEmbeddingCall, next: EmbeddingNext) {
        const { kind, request, client, provider, streaming, minInputTokens } = call;
        const response = await next({
          ...request,
          input: request.input.map((t) => t.toUpperCase()),
        });
        const { input } = call.event;
        await call.emit('shouted', { texts: input.length });
        seen = { kind, request, client, provider, streaming, minInputTokens, input };
        seen['estimate'] = call.estimate;
        seen['maxOutputTokens'] = call.maxOutputTokens;
        seen['spent'] = call.spent;
        seen['price'] = call.priceOf({ inputTokens: 3, outputTokens: 0 });
        seen['aborted'] = call.signal.aborted;
        return response;
      }
    }
    const { llm, provider, recording } = await start([new Shout()]);
    const { embeddings } = await llm.embed('printer');
    expect(provider.embedRequests[0]!.input).toEqual(['PRINTER']);
    expect(embeddings).toEqual((await llm.embed('PRINTER')).embeddings);
    expect(seen).toMatchObject({
      kind: 'embedding',
      client: 'default',
      provider: 'fake',
      streaming: false,
      minInputTokens: 1,
      maxOutputTokens: 0,
      estimate: { inputTokens: 7, maxCost: 7 },
      spent: { requests: 1, usage: { inputTokens: 2 }, cost: 2 },
      price: 3,
      aborted: false,
    });
    expect(recording.of('embedding.start')[0]!.input).toEqual(['printer']);
    expect(recording.of('custom')[0]).toMatchObject({ name: 'shouted', data: { texts: 1 } });
  });

  it('may answer without a request', async () => {
    class Constant {
      @InterceptEmbedding() answer() {
        return { embeddings: [[1, 2]] };
      }
    }
    const { llm, provider } = await start([new Constant()]);
    expect(await llm.embed('x')).toMatchObject({
      embeddings: [[1, 2]],
      model: 'embedder',
      provider: 'fake',
      dimensions: 2,
      cost: 0,
      attempts: [],
    });
    expect(provider.embedRequests).toEqual([]);
  });

  it.each([
    ['nothing', undefined, 'no embeddings'],
    ['too many vectors', { embeddings: [[1], [2]] }, '2 embeddings instead of 1'],
    ['a text in a vector', { embeddings: [['x']] }, 'no finite number'],
  ])('fails the call if it returns %s', async (_what, given, message) => {
    class Wrong {
      @InterceptEmbedding() answer() {
        return given;
      }
    }
    const { llm } = await start([new Wrong()]);
    const error = await errorOf(llm.embed('x'));
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect((error as Error).message).toContain('Wrong.answer gave');
    expect((error as Error).message).toContain(message);
  });

  it('fails the call with the very error that it throws', async () => {
    const failure = new TypeError('no');
    class Guard {
      @InterceptEmbedding() refuse() {
        throw failure;
      }
    }
    const { llm, recording } = await start([new Guard()]);
    expect(await errorOf(llm.embed('x'))).toBe(failure);
    expect(typesOf(recording)).toEqual(['embedding.start', 'embedding.error']);
  });

  it('wraps others by its order, unless its filter excludes the call', async () => {
    const seen: string[] = [];
    class Order {
      @InterceptEmbedding({ order: 2 }) inner(
        _call: InterceptedEmbeddingCall,
        next: EmbeddingNext,
      ) {
        seen.push('inner');
        return next();
      }
      @InterceptEmbedding({ order: 1 }) outer(
        _call: InterceptedEmbeddingCall,
        next: EmbeddingNext,
      ) {
        seen.push('outer');
        return next();
      }
      @InterceptEmbedding({ when: ({ request }) => request.input.length > 1 })
      many(_call: InterceptedEmbeddingCall, next: EmbeddingNext) {
        seen.push('many');
        return next();
      }
    }
    const { llm } = await start([new Order()]);
    await llm.embed('x');
    await llm.embed(['x', 'y']);
    expect(seen).toEqual(['outer', 'inner', 'many', 'outer', 'inner']);
  });

  it('sees each request of a call with many texts', async () => {
    const sizes: number[] = [];
    class Sizes {
      @InterceptEmbedding() note({ request }: InterceptedEmbeddingCall, next: EmbeddingNext) {
        sizes.push(request.input.length);
        return next();
      }
    }
    const { llm } = await start([new Sizes()]);
    await llm.embed(Array.from({ length: 2_050 }, () => 'x'));
    await llm.embed([]);
    expect(sizes).toEqual([2_048, 2]);
  });

  it('may be a request-scoped provider, and nests the runs that it starts', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped {
      static made = 0;
      constructor() {
        Scoped.made++;
      }
      @InterceptEmbedding() pass(_call: InterceptedEmbeddingCall, next: EmbeddingNext) {
        return next();
      }
    }
    const { llm } = await start([], [], { providers: [Scoped] });
    await llm.embed('x');
    await llm.embed('x');
    expect(Scoped.made).toBe(2);
  });

  it('of LLM calls does not see embeddings, and one of all kinds sees both', async () => {
    const seen: string[] = [];
    class Kinds {
      @InterceptLlm() llm({ kind }: InterceptedModelCall, next: ModelNext) {
        seen.push(`llm: ${kind}`);
        return next();
      }
      @InterceptModel() any({ kind, event }: InterceptedModelCall, next: ModelNext) {
        seen.push(`any: ${kind} ${event.type}`);
        return next();
      }
    }
    const { llm } = await start([new Kinds()]);
    await llm.embed('x');
    await llm.generate('x');
    expect(await llm.stream('x').response).toMatchObject({ text: 'hello' });
    expect(seen).toEqual([
      'any: embedding embedding.start',
      'llm: llm',
      'any: llm llm.start',
      'llm: llm',
      'any: llm llm.start',
    ]);
  });

  it('excludes a pause from the duration', async () => {
    const PAUSE_MS = 50;
    class Queue {
      @InterceptModel() async wait(call: InterceptedModelCall, next: ModelNext) {
        await call.pause(new Promise((resolve) => setTimeout(resolve, PAUSE_MS)));
        return next();
      }
    }
    const { llm } = await start([new Queue()]);
    const since = performance.now();
    const { durationMs } = await llm.embed('x');
    // Timers fire up to a millisecond early.
    expect(durationMs).toBeLessThanOrEqual(performance.now() - since - PAUSE_MS + 1);
  });
});

describe('next() of an interceptor of embeddings calls another client', () => {
  const asking = (client: string, request?: EmbedRequest) => {
    class Elsewhere {
      @InterceptEmbedding() go(call: InterceptedEmbeddingCall, next: EmbeddingNext) {
        return next(request && { ...call.request, ...request }, { client });
      }
    }
    return new Elsewhere();
  };

  it('with the model of that client, and without the options for another provider', async () => {
    const { llm, spare, recording } = await start([asking('backup')]);
    const response = await llm.embed('x', { dimensions: 3, providerOptions: { user: 'x' } });
    expect(spare.embedRequests).toEqual([{ model: 'spare', input: ['x'], dimensions: 3 }]);
    expect(response).toMatchObject({ provider: 'other', model: 'spare', cost: 1 });
    expect(recording.of('embedding.end')[0]).toMatchObject({ provider: 'other', model: 'spare' });
    expect(recording.of('embedding.start')[0]).toMatchObject({ provider: 'fake' });
  });

  it.each(['chatty', 'modelless'])('and fails if %s does not embed texts', async (client) => {
    const { llm } = await start([asking(client)]);
    const error = await errorOf(llm.embed('x'));
    expect(error).toBeInstanceOf(LlmModelNotFoundError);
    expect((error as Error).message).toContain(client);
  });

  it('and fails if the request names a model that the client cannot use', async () => {
    const { llm } = await start([asking('chatty', { model: 'own', input: ['x'] })]);
    expect(await errorOf(llm.embed('x'))).toBeInstanceOf(LlmModelNotFoundError);
  });

  it('whose llm.resolve is called for it', async () => {
    const { llm, spare } = await start([asking('backup')], [], {
      spares: {
        resolve: (_context: object, { model }: { model: string }) => ({ model: `my ${model}` }),
      },
    });
    await llm.embed('x');
    expect(spare.embedRequests[0]!.model).toBe('my spare');
  });
});

describe('RetryInterceptor', () => {
  it('retries embeddings, without the retries of the SDK, and each request by itself', async () => {
    const retry = new RetryInterceptor({ initialDelayMs: 0 });
    const { llm, provider } = await start([retry], [undefined, new LlmServerError('down')]);
    const texts = Array.from({ length: 2_049 }, () => 'x');
    const { attempts, embeddings } = await llm.embed(texts);
    expect(embeddings).toHaveLength(2_049);
    expect(provider.embedRequests.map(({ input }) => input.length)).toEqual([2_048, 1, 1]);
    expect(provider.retries).toEqual([0, 0, 0]);
    expect(attempts.map(({ error }) => error?.message)).toEqual([undefined, 'down', undefined]);
  });
});

describe('FallbackInterceptor', () => {
  it('embeds with the model of another client', async () => {
    const fallback = new FallbackInterceptor({ clients: ['chatty', 'backup'] });
    const { llm, spare } = await start([fallback], [new LlmServerError('down')]);
    const response = await llm.embed('x');
    expect(response).toMatchObject({ provider: 'other', model: 'spare' });
    expect(response.attempts.map(({ model }) => model)).toEqual(['embedder', 'spare']);
    expect(spare.embedRequests).toHaveLength(1);
  });

  it('does not mix the vectors of two models in one response', async () => {
    const fallback = new FallbackInterceptor({ clients: ['backup'] });
    const { llm } = await start([fallback], [undefined, new LlmServerError('down')]);
    const error = await errorOf(llm.embed(Array.from({ length: 2_049 }, () => 'x')));
    expect(error).toBeInstanceOf(LlmResponseError);
  });
});

describe('TimeoutInterceptor', () => {
  it('stops a request for embeddings whose provider is silent', async () => {
    const { llm } = await start([new TimeoutInterceptor({ timeoutMs: 5 })], ['silent']);
    expect(await errorOf(llm.embed('x'))).toBeInstanceOf(LlmTimeoutError);
  });
});

describe('CircuitBreakerInterceptor', () => {
  it('stops embeddings of a client that keeps failing', async () => {
    const breaker = new CircuitBreakerInterceptor({ failures: 1 });
    const { llm, provider } = await start([breaker], [new LlmServerError('down')]);
    await errorOf(llm.embed('x'));
    expect(breaker.state()).toBe('open');
    expect(await errorOf(llm.embed('x'))).toBeInstanceOf(LlmOverloadedError);
    expect(provider.embedRequests).toHaveLength(1);
  });
});

describe('CacheInterceptor', () => {
  it('answers repeated embeddings, with no usage and cost 0', async () => {
    const { llm, provider, recording } = await start([new CacheInterceptor()]);
    const first = await llm.embed(['a', 'b']);
    const second = await llm.embed(['a', 'b']);
    expect(provider.embedRequests).toHaveLength(1);
    expect(second).toMatchObject({
      embeddings: first.embeddings,
      cached: true,
      model: 'embedder',
      provider: 'fake',
      dimensions: 8,
      cost: 0,
      usage: { totalTokens: 0 },
      attempts: [],
    });
    expect(recording.of('embedding.end')[1]).toMatchObject({ cost: 0, count: 2 });
    expect(typesOf(recording).slice(2)).toEqual(['embedding.start', 'llm.cache', 'embedding.end']);
    expect(recording.of('llm.cache')[0]).toMatchObject({
      savedCost: first.cost,
      savedUsage: first.usage,
    });
  });

  it.each([
    ['texts', 'b', {}],
    ['order', ['b', 'a'], {}],
    ['model', ['a', 'b'], { model: 'large' }],
    ['dimensions', ['a', 'b'], { dimensions: 4 }],
    ['options', ['a', 'b'], { providerOptions: { user: 'x' } }],
    ['tenant', ['a', 'b'], { tenantId: 'acme' }],
    ['user', ['a', 'b'], { userId: 'ada' }],
  ])('does not answer embeddings of another %s', async (_what, texts, options) => {
    const { llm, provider } = await start([new CacheInterceptor()]);
    await llm.embed(['a', 'b']);
    await llm.embed(texts, options);
    expect(provider.embedRequests).toHaveLength(2);
  });

  it('sends the request if an entry of its store has no embeddings', async () => {
    const store = { get: () => '{"text":"hello"}', set: () => undefined };
    const { llm, provider } = await start([new CacheInterceptor({ store })]);
    await llm.embed('a');
    expect(provider.embedRequests).toHaveLength(1);
  });
});

describe('The interceptors of a named client', () => {
  it('wrap its embeddings only', async () => {
    const seen: string[] = [];
    class Note {
      @InterceptEmbedding({ scope: 'backup' })
      note({ client }: InterceptedEmbeddingCall, next: EmbeddingNext) {
        seen.push(client);
        return next();
      }
    }
    const { llm, module } = await start([new Note()]);
    await llm.embed('x');
    await module.get<LlmService>(getLlmToken('backup')).embed('x');
    expect(seen).toEqual(['backup']);
  });
});
