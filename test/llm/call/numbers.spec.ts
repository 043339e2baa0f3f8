import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CacheInterceptor,
  CallbacksService,
  type EmbedRequest,
  InterceptedModelCall,
  InterceptModel,
  type LlmChunk,
  type LlmProvider,
  LlmServerError,
  ModelNext,
  NO_USAGE,
  type ProviderResult,
  RateLimiter,
  reviveEvent,
  type Usage,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../../support/app.js';
import { Clock } from '../../support/clock.js';
import { refusesFirst } from '../../support/limited.js';
import { json, says, WireServer } from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';
import { newOpenAi } from '../../support/wire/sdk-clients.js';

let clock: Clock;
beforeEach(() => {
  clock = new Clock();
});
afterEach(async () => {
  clock.release();
  await closeApps();
});

const USAGE: Usage = { ...NO_USAGE, inputTokens: 150, outputTokens: 50, totalTokens: 200 };

interface Piece {
  readonly afterMs: number;
  readonly chunk?: LlmChunk;
}

const text = (afterMs: number): Piece => ({ afterMs, chunk: { type: 'text', text: 'word ' } });
const reasoning = (afterMs: number): Piece => ({
  afterMs,
  chunk: { type: 'reasoning', text: 'so ' },
});

/** A model that takes its time by the test's clock. */
class TimedLlm implements LlmProvider {
  readonly name = 'openai';

  constructor(
    private readonly pieces: readonly Piece[],
    private readonly usage = USAGE,
    private readonly failure?: Error,
  ) {}

  async generate(): Promise<ProviderResult> {
    for (const { afterMs } of this.pieces) clock.pass(afterMs);
    return this.#result();
  }

  async *stream(): AsyncIterable<LlmChunk | ProviderResult> {
    for (const { afterMs, chunk } of this.pieces) {
      clock.pass(afterMs);
      if (chunk) yield chunk;
    }
    if (this.failure) throw this.failure;
    yield this.#result();
  }

  async embed({ input, model }: EmbedRequest) {
    return { embeddings: input.map(() => [1]), model, usage: USAGE };
  }

  #result(): ProviderResult {
    return {
      id: '1',
      model: 'gpt-4o-mini',
      text: 'word word word ',
      message: { role: 'assistant', content: 'word word word ' },
      toolCalls: [],
      finishReason: 'stop',
      usage: this.usage,
    };
  }
}

async function start(provider: LlmProvider, ...callbacks: object[]) {
  const recording = new RecordingCallbacks();
  const llm = { provider, model: 'gpt-4o-mini', embeddingModel: 'text-embedding-3-small' };
  const app = await startApp({}, { llm, callbacks: [recording, ...callbacks] });
  return { ...app, recording };
}

const STREAM = [text(100), text(20), text(40), { afterMs: 40 }];

describe('The numbers of a stream', () => {
  it('are tokens a second from its first chunk on, and the gaps between its chunks', async () => {
    const { llm, recording } = await start(new TimedLlm(STREAM));
    const response = await llm.stream('go').response;
    const numbers = {
      timeToFirstChunkMs: 100,
      durationMs: 200,
      chunkGapsMs: { count: 2, avg: 30, max: 40 },
      tokensPerSecond: 500,
    };
    expect(response).toMatchObject(numbers);
    const [end] = recording.of('llm.end');
    expect(end).toMatchObject(numbers);
    expect(reviveEvent(JSON.parse(JSON.stringify(end)))).toMatchObject(numbers);
  });

  it('do not count hidden reasoning, which was written before the first chunk', async () => {
    const usage = { ...USAGE, outputTokens: 90, totalTokens: 240, reasoningTokens: 40 };
    const { llm } = await start(new TimedLlm(STREAM, usage));
    expect((await llm.stream('go').response).tokensPerSecond).toBe(500);
  });

  it('count reasoning that is sent', async () => {
    const usage = { ...USAGE, reasoningTokens: 40 };
    const pieces = [reasoning(100), reasoning(50), text(50), { afterMs: 0 }];
    const { llm } = await start(new TimedLlm(pieces, usage));
    expect((await llm.stream('go').response).tokensPerSecond).toBe(500);
  });

  it('are over the whole duration when it arrives all at once', async () => {
    const { llm } = await start(new TimedLlm([text(200), text(0), text(0)]));
    expect(await llm.stream('go').response).toMatchObject({
      tokensPerSecond: 250,
      chunkGapsMs: { count: 2, avg: 0, max: 0 },
    });
  });

  it('have no gaps with a single chunk, whatever the clock does', async () => {
    const { llm } = await start(new TimedLlm([text(200)]));
    expect(await llm.stream('go').response).not.toHaveProperty('chunkGapsMs');
    const back = await start(new TimedLlm([text(100), text(-50), text(10)]));
    const { chunkGapsMs } = await back.llm.stream('go').response;
    expect(chunkGapsMs).toEqual({ count: 2, avg: 0, max: 10 });
  });

  it('are on its error, as far as it came', async () => {
    const failure = new LlmServerError('gone');
    const { llm, recording } = await start(new TimedLlm(STREAM, USAGE, failure));
    await expect(llm.stream('go').response).rejects.toBe(failure);
    expect(recording.of('llm.error')[0]).toMatchObject({
      timeToFirstChunkMs: 100,
      chunkGapsMs: { count: 2, avg: 30, max: 40 },
      limiterWaitMs: undefined,
    });
  });
});

describe('The numbers of a whole answer', () => {
  it('are tokens a second over its duration', async () => {
    const { llm } = await start(new TimedLlm([text(200)]));
    const response = await llm.generate('go');
    expect(response.tokensPerSecond).toBe(250);
    expect(response).not.toHaveProperty('chunkGapsMs');
    expect(response).not.toHaveProperty('limiterWaitMs');
  });

  it('have no rate without tokens, without time and from a cache', async () => {
    const none = await start(new TimedLlm([text(200)], { ...USAGE, outputTokens: 0 }));
    expect(await none.llm.generate('go')).not.toHaveProperty('tokensPerSecond');
    const cached = await start(new TimedLlm([]), new CacheInterceptor());
    expect(await cached.llm.generate('go')).not.toHaveProperty('tokensPerSecond');
    clock.pass(5);
    const again = await cached.llm.generate('go');
    expect(again.cached).toBe(true);
    expect(again).not.toHaveProperty('tokensPerSecond');
    expect(cached.recording.of('llm.end')[1]!.contextShare).toBeUndefined();
  });
});

describe('contextShare', () => {
  it('is input and output by the window of the price list', async () => {
    const { llm, recording } = await start(new TimedLlm([text(1)]));
    await llm.generate('go');
    expect(recording.of('llm.end')[0]!.contextShare).toBe(200 / 128_000);
  });

  it('prefers the window of the application’s own prices, also beside a listed price', async () => {
    const recording = new RecordingCallbacks();
    const price = { inputPerMillion: 1, outputPerMillion: 1 };
    const { llm } = await startApp(
      {},
      {
        llm: { provider: new TimedLlm([text(1)]), model: 'gpt-4o-mini' },
        callbacks: [recording],
        prices: { 'gpt-4o-mini': { ...price, contextWindow: 1_000 }, 'gpt-4.1': price },
      },
    );
    await llm.generate('go');
    expect(recording.of('llm.end')[0]!.contextShare).toBe(0.2);
  });

  it('is of the listed window for a model that has only a price of its own', async () => {
    const recording = new RecordingCallbacks();
    const { llm } = await startApp(
      {},
      {
        llm: { provider: new TimedLlm([text(1)]), model: 'gpt-4o-mini' },
        callbacks: [recording],
        prices: { 'gpt-4o-mini': { inputPerMillion: 1, outputPerMillion: 1 } },
      },
    );
    await llm.generate('go');
    expect(recording.of('llm.end')[0]!.contextShare).toBe(200 / 128_000);
  });

  it('is absent for an unknown model', async () => {
    const { llm, fake } = await startApp({}, { answers: [{ text: 'x', usage: USAGE }] });
    const recording = new RecordingCallbacks();
    await llm.generate('go', { callbacks: [recording] });
    expect(fake.requests).toHaveLength(1);
    expect(recording.of('llm.end')[0]!.contextShare).toBeUndefined();
  });
});

/** A limiter that lets a call wait for 250 ms by the test's clock. */
function waiting(name?: string): RateLimiter {
  const store = refusesFirst(1, () => clock.pass(250));
  return new RateLimiter({ requestsPerMinute: 10, mode: 'wait', store, ...(name && { name }) });
}

describe('The wait for a limiter', () => {
  it('is on the end of the call, not in its duration, and a limiter.wait', async () => {
    const { llm, recording } = await start(new TimedLlm([text(200)]), waiting('gate'));
    const response = await llm.generate('go');
    expect(response).toMatchObject({ limiterWaitMs: 250, durationMs: 200 });
    expect(recording.of('llm.end')[0]!.limiterWaitMs).toBe(250);
    expect(recording.of('limiter.wait')).toEqual([
      expect.objectContaining({ runId: recording.events[0]!.runId, timestamp: Date.now() - 200 }),
    ]);
    expect(recording.of('limiter.wait')[0]).toMatchObject({ limiter: 'gate', waitedMs: 250 });
    await llm.generate('again');
    expect(recording.of('limiter.wait')).toHaveLength(1);
    expect(recording.of('llm.end')[1]!.limiterWaitMs).toBeUndefined();
  });

  it('is the sum of several limiters’, also of streams and embeddings', async () => {
    const { llm, recording } = await start(new TimedLlm(STREAM), waiting('a'), waiting('b'));
    expect((await llm.stream('go').response).limiterWaitMs).toBe(500);
    const other = await start(new TimedLlm(STREAM), waiting());
    expect((await other.llm.embed('text')).limiterWaitMs).toBe(250);
    expect(other.recording.of('embedding.end')[0]!.limiterWaitMs).toBe(250);
    const waits = [...recording.of('limiter.wait'), ...other.recording.of('limiter.wait')];
    expect(waits.map(({ limiter }) => limiter)).toEqual(['a', 'b', 'RateLimiter']);
  });

  it('is on the error of a call that was refused after it', async () => {
    const store = refusesFirst(1, () => clock.pass(250));
    const first = store.reserve.bind(store);
    let isFirst = true;
    store.reserve = async (request) => {
      const outcome = await first(request);
      if (isFirst) {
        isFirst = false;
        return outcome;
      }
      return { granted: false, claim: 0, used: 1, reserved: 0 };
    };
    const limiter = new RateLimiter({ requestsPerMinute: 1, mode: 'wait', store });
    const { llm, recording } = await start(new TimedLlm(STREAM), limiter);
    await expect(llm.generate('go')).rejects.toMatchObject({ code: 'rate_limit_exceeded' });
    expect(recording.of('llm.error')[0]!.limiterWaitMs).toBe(250);
    expect(recording.events.map(({ type }) => type)).toEqual([
      'llm.start',
      'limiter.wait',
      'llm.error',
    ]);
  });

  it('is on the error of a call that was aborted meanwhile, without an event after it', async () => {
    const stop = new AbortController();
    const store = refusesFirst(60_000);
    const reserve = store.reserve.bind(store);
    store.reserve = (request) => {
      setImmediate(() => {
        clock.pass(40);
        stop.abort();
      });
      return reserve(request);
    };
    const limiter = new RateLimiter({ requestsPerMinute: 1, mode: 'wait', store });
    const { llm, recording, module } = await start(new TimedLlm(STREAM), limiter);
    await expect(llm.generate('go', { signal: stop.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    await module.get(CallbacksService).flush();
    expect(recording.events.map(({ type }) => type)).toEqual(['llm.start', 'llm.error']);
    expect(recording.of('llm.error')[0]!.limiterWaitMs).toBe(40);
  });

  it('may be that of an interceptor of the application', async () => {
    class Slots {
      @InterceptModel()
      async around(call: InterceptedModelCall, next: ModelNext) {
        const endWait = call.startWait('slots');
        const wait = async () => clock.pass(30);
        try {
          await call.pause(wait());
        } finally {
          await endWait();
        }
        // Another way: what is over already.
        await call.emit('limiter.wait', { limiter: 'tickets', waitedMs: 12 });
        return next();
      }
    }
    const { llm, recording } = await start(new TimedLlm([text(200)]), new Slots());
    expect((await llm.generate('go')).limiterWaitMs).toBe(42);
    const waits = recording.of('limiter.wait').map(({ limiter, waitedMs }) => [limiter, waitedMs]);
    expect(waits).toEqual([
      ['slots', 30],
      ['tickets', 12],
    ]);
  });

  it.each([NaN, -5, Infinity, '12', undefined])('ignores a wait of %p', async (waitedMs) => {
    class Odd {
      @InterceptModel()
      async around(call: InterceptedModelCall, next: ModelNext) {
        await call.emit('limiter.wait', { limiter: 'odd', waitedMs } as never);
        return next();
      }
    }
    const { llm } = await start(new TimedLlm([text(200)]), new Odd());
    expect(await llm.generate('go')).not.toHaveProperty('limiterWaitMs');
  });

  it('is that of an observed call too', async () => {
    const server = await WireServer.listen();
    server.answers(says(openai, 'generate', { text: 'hi' }), json({ data: [] }));
    const { module, recording } = await start(new TimedLlm(STREAM), waiting('gate'));
    const client = module.get(CallbacksService).observe(newOpenAi(server.origin));
    await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'go' }],
    });
    await server.close();
    expect(recording.of('limiter.wait')[0]).toMatchObject({ limiter: 'gate', origin: 'openai' });
    expect(recording.of('llm.end')[0]!.limiterWaitMs).toBe(250);
  });
});
