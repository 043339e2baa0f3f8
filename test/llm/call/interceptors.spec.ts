import { getEventListeners, once } from 'node:events';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  CallbackScope,
  CallbacksModule,
  CallbacksService,
  getLlmToken,
  InterceptLlm,
  LlmServerError,
  LlmService,
  LlmStream,
  NO_USAGE,
  OnLlmStart,
  type InterceptedLlmCall,
  type LlmNext,
  type LlmOptions,
  type LlmProvider,
  type LlmResponse,
} from 'nestjs-llm-callbacks';
import {
  FakeLlm,
  fakeLlmResponse,
  RecordingCallbacks,
  type FakeAnswer,
} from 'nestjs-llm-callbacks/testing';
import { always, closeApps, startApp } from '../../support/app.js';

afterEach(closeApps);

type Intercept = (call: InterceptedLlmCall, next: LlmNext) => unknown;

/** An interceptor with the given behavior. */
class Does {
  constructor(private readonly intercept: Intercept) {}
  @InterceptLlm() around(call: InterceptedLlmCall, next: LlmNext) {
    return this.intercept(call, next);
  }
}

const does = (intercept: Intercept) => new Does(intercept);
const usage = { ...NO_USAGE, inputTokens: 10, outputTokens: 5, totalTokens: 15 };
const PRICES = {
  fake: { inputPerMillion: 1_000, outputPerMillion: 2_000 },
  other: { inputPerMillion: 1, outputPerMillion: 1 },
};
/** The frames of one answer. */
const COST = 0.02;

async function start(
  callbacks: object[],
  answers: FakeAnswer[] = always({ text: 'hello', usage }),
  llm?: LlmOptions,
) {
  const recording = new RecordingCallbacks();
  const app = await startApp(
    {},
    { answers, callbacks: [recording, ...callbacks], prices: PRICES, ...(llm && { llm }) },
  );
  return { ...app, recording };
}

/** The answer to one prompt, by either method; chunks as they were read. */
async function ask(llm: LlmService, method: Method, options = {}) {
  if (method === 'generate') return { response: await llm.generate('hi', options), chunks: [] };
  const stream = llm.stream('hi', options);
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return { response: await stream.response, chunks };
}

const METHODS = ['generate', 'stream'] as const;
type Method = (typeof METHODS)[number];

describe.each(METHODS)('An interceptor of %s', (method) => {
  it('sees the call, and passes it on unchanged', async () => {
    let seen: InterceptedLlmCall | undefined;
    const { llm, fake, recording } = await start([does((call, next) => ((seen = call), next()))]);
    const { response } = await ask(llm, method, { userId: 'ada', maxOutputTokens: 5 });
    expect(seen).toMatchObject({
      kind: 'llm',
      streaming: method === 'stream',
      client: 'default',
      provider: 'fake',
      request: { model: 'fake', messages: [{ role: 'user', content: 'hi' }] },
      spent: { requests: 1, usage, cost: COST },
    });
    expect(seen!.event).toBe(recording.of('llm.start')[0]);
    expect(seen!.event.userId).toBe('ada');
    expect(seen!.estimate.maxCost).toBeGreaterThan(0);
    expect(response).toMatchObject({
      text: 'hello',
      usage,
      cost: COST,
      attempts: [{ model: 'fake', usage, cost: COST }],
    });
    expect(recording.of('llm.end')[0]!.request).toBeUndefined();
    expect(fake.requests).toHaveLength(1);
  });

  it('can change the request; the start event has the original, the end event the sent one', async () => {
    const changing = does(({ request }, next) =>
      next({ ...request, model: 'other', temperature: 0 }),
    );
    const { llm, fake, recording } = await start([changing]);
    const { response } = await ask(llm, method);
    expect(fake.requests).toMatchObject([{ model: 'other', temperature: 0 }]);
    expect(recording.of('llm.start')).toMatchObject([{ model: 'fake', parameters: {} }]);
    const [end] = recording.of('llm.end');
    expect(end).toMatchObject({ model: 'other', provider: 'fake', request: { temperature: 0 } });
    expect(end!.toJSON()).toMatchObject({ model: 'other', request: { temperature: 0 } });
    expect(response.cost).toBe(0.000_015);
  });

  it('can answer without next: no request is sent, and the cost is zero', async () => {
    const { llm, fake, recording } = await start([
      does(() => fakeLlmResponse({ text: 'made up', cost: 7, cached: true })),
    ]);
    const { response } = await ask(llm, method);
    expect(response).toMatchObject({
      text: 'made up',
      cost: 0,
      usage: { totalTokens: 0 },
      attempts: [],
      cached: true,
    });
    expect(fake.requests).toEqual([]);
    expect(recording.tree()[0]!.events.at(-1)).toBe('llm.end');
  });

  it('can throw, and the caller gets that error', async () => {
    const error = new Error('not today');
    const { llm, fake, recording } = await start([
      does(() => {
        throw error;
      }),
    ]);
    await expect(ask(llm, method)).rejects.toBe(error);
    expect(fake.requests).toEqual([]);
    expect(recording.of('llm.error')).toMatchObject([{ error, cost: 0, attempts: [] }]);
  });

  it('can call next again: each failed request emits a retry, within one call', async () => {
    const again = does(async (call, next) => {
      try {
        const given = next();
        return given instanceof LlmStream ? await given.response : await given;
      } catch {
        return next();
      }
    });
    const { llm, recording } = await start([again], [new Error('down'), { text: 'up', usage }]);
    const { response } = await ask(llm, method);
    expect(response).toMatchObject({
      text: 'up',
      usage,
      cost: COST,
      attempts: [{ error: { code: 'server_error' } }, { usage, cost: COST }],
    });
    expect(recording.of('llm.retry')).toMatchObject([
      { attempt: 1, error: { code: 'server_error' } },
    ]);
    expect(recording.of('llm.end')).toHaveLength(1);
  });

  it('can send two requests at once; usage and cost are sums', async () => {
    const both = does(async (_call, next) => {
      const [first] = await Promise.all(
        [next(), next()].map(async (given) =>
          given instanceof LlmStream ? given.response : given,
        ),
      );
      return first;
    });
    const { llm, recording } = await start([both]);
    const { response } = await ask(llm, method);
    expect(response).toMatchObject({ text: 'hello', usage: { totalTokens: 30 }, cost: 2 * COST });
    expect(response.attempts).toHaveLength(2);
    expect(recording.of('llm.retry')).toEqual([]);
  });

  it('can return the first of several answers; the pending requests are aborted', async () => {
    const signals: AbortSignal[] = [];
    const slow: LlmProvider = {
      name: 'slow',
      async generate(_request, { signal }) {
        if (signals.push(signal) === 1) await once(signal, 'abort');
        return fakeLlmResponse({ text: `answer ${signals.length}`, usage });
      },
      async *stream(request, context) {
        const answer = await this.generate(request, context);
        yield { type: 'text', text: answer.text };
        yield answer;
      },
    };
    const hedging = does(({ streaming }, next) => {
      const answer = () => (streaming ? (next() as LlmStream).response : next());
      return Promise.race([answer(), answer()]);
    });
    const { llm, recording } = await start([hedging], [], { provider: slow, model: 'slow' });
    expect((await ask(llm, method)).response.text).toBe('answer 2');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(recording.of('llm.end')).toMatchObject([{ attempts: [{}, {}] }]);
  });

  it('can pass its own signal to next, which keeps no reference to the requests that it aborts', async () => {
    const own = new AbortController();
    const { llm } = await start([does((_call, next) => next(undefined, { signal: own.signal }))]);
    await ask(llm, method);
    expect(getEventListeners(own.signal, 'abort')).toEqual([]);
    const traces = Object.getOwnPropertySymbols(own.signal).map(
      (key) => (own.signal as unknown as Record<symbol, unknown>)[key],
    );
    expect(traces.filter((one) => one instanceof Set && one.size > 0)).toEqual([]);
    own.abort('enough');
    const error = await ask(llm, method).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'AbortError', cause: 'enough' });
  });

  it('runs from the lowest order to the highest, each seeing the changes of the outer ones', async () => {
    const order: string[] = [];
    const note = (name: string, call: InterceptedLlmCall) =>
      order.push(`${name} ${call.request.model}`);
    class Chain {
      @InterceptLlm({ order: Infinity }) last(call: InterceptedLlmCall, next: LlmNext) {
        note('last', call);
        return next();
      }
      @InterceptLlm({ order: -1 }) first(call: InterceptedLlmCall, next: LlmNext) {
        note('first', call);
        return next({ ...call.request, model: 'other' });
      }
      @InterceptLlm() middle(call: InterceptedLlmCall, next: LlmNext) {
        note('middle', call);
        return next();
      }
    }
    const { llm } = await start([new Chain()]);
    const { response } = await ask(llm, method);
    expect(order).toEqual(['first fake', 'middle other', 'last other']);
    expect(response.text).toBe('hello');
  });

  it('is skipped if `when` returns false', async () => {
    class Choosy {
      @InterceptLlm({ when: ({ request }) => request.temperature === 1 }) around() {
        return fakeLlmResponse({ text: 'hot' });
      }
    }
    const { llm } = await start([new Choosy()]);
    expect((await ask(llm, method)).response.text).toBe('hello');
    expect((await ask(llm, method, { temperature: 1 })).response.text).toBe('hot');
  });

  it('sees the provider’s error as the caller would, and the usage so far', async () => {
    let failure: unknown;
    let requests: number | undefined;
    const watching = does(async (call, next) => {
      try {
        const given = next();
        return given instanceof LlmStream ? await given.response : await given;
      } catch (error) {
        failure = error;
        ({ requests } = call.spent);
        throw error;
      }
    });
    const { llm } = await start([watching], [new Error('down')]);
    await expect(ask(llm, method)).rejects.toBeInstanceOf(LlmServerError);
    expect(failure).toBeInstanceOf(LlmServerError);
    expect(requests).toBe(1);
  });

  it('can call another client with its model and prices, within one call', async () => {
    const backup = new FakeLlm(always({ text: 'from backup', usage }));
    const recording = new RecordingCallbacks();
    const other = does((_call, next) => next(undefined, { client: 'backup' }));
    const app = await startApp(
      {
        imports: [
          CallbacksModule.forFeature({
            name: 'backup',
            llm: { provider: Object.assign(backup, { name: 'spare' }), model: 'other' },
          }),
        ],
      },
      { callbacks: [recording, other], prices: PRICES },
    );
    const { response } = await ask(app.llm, method);
    expect(app.fake.requests).toEqual([]);
    expect(backup.requests).toMatchObject([{ model: 'other' }]);
    expect(response).toMatchObject({
      text: 'from backup',
      provider: 'spare',
      model: 'other',
      cost: 0.000_015,
    });
    expect(recording.of('llm.end')).toMatchObject([
      { provider: 'spare', model: 'other', scope: 'default' },
    ]);
    expect(recording.of('llm.start')).toMatchObject([{ provider: 'fake', model: 'fake' }]);
  });

  it('fails with the names of the clients when it calls an unknown one', async () => {
    const { llm } = await start([does((_call, next) => next(undefined, { client: 'nobody' }))]);
    await expect(ask(llm, method)).rejects.toThrow(/no client "nobody".*default/);
  });

  it('sees an abort of the call on its signal, and cleans up before the application closes', async () => {
    const aborting = new AbortController();
    let tidied = false;
    const tidy = does(async (call, next) => {
      try {
        aborting.abort('enough');
        const given = next();
        return given instanceof LlmStream ? await given.response : await given;
      } finally {
        await new Promise(setImmediate);
        tidied = call.signal.aborted;
      }
    });
    const { llm, module, recording } = await start([tidy]);
    await expect(ask(llm, method, { signal: aborting.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(recording.of('llm.error')).toMatchObject([{ aborted: true }]);
    await module.close();
    expect(tidied).toBe(true);
  });

  it('is discovered on providers, and scoped like handlers', async () => {
    @Injectable()
    @CallbackScope('support')
    class Polite {
      @InterceptLlm() async around(_call: InterceptedLlmCall, next: LlmNext) {
        const given = next();
        const { text } = given instanceof LlmStream ? await given.response : await given;
        return fakeLlmResponse({ text: `${text}, please` });
      }
    }
    const app = await startApp({
      imports: [CallbacksModule.forFeature({ name: 'support' })],
      providers: [Polite],
    });
    const support = app.module.get<LlmService>(getLlmToken('support'));
    expect((await ask(support, method)).response.text).toBe('hello, please');
    expect((await ask(app.llm, method)).response.text).toBe('hello');
    expect(app.module.get(CallbacksService).handlers()).toMatchObject([
      { name: 'Polite.around', event: 'intercept.llm', scopes: ['support'] },
    ]);
  });

  it('does not intercept its own calls, which are separate runs', async () => {
    const recording = new RecordingCallbacks();
    const guarding = does(async (_call, next) => {
      await app.llm.generate('is this fine?');
      return next();
    });
    const app = await startApp({}, { callbacks: [recording, guarding] });
    await ask(app.llm, method);
    expect(app.fake.requests).toHaveLength(2);
    const [outer, inner] = recording.of('llm.start');
    expect(inner).toMatchObject({
      parentRunId: undefined,
      fromCallback: { runId: outer!.runId, handler: 'Does.around' },
    });
  });

  it('excludes the time of call.pause() from the duration', async () => {
    let now = 0;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    const waiting = does(async (call, next) => {
      await call.pause(Promise.resolve().then(() => void (now += 1_000)));
      now += 5;
      return next();
    });
    const { llm } = await start([waiting]);
    const { response } = await ask(llm, method);
    clock.mockRestore();
    expect(response.durationMs).toBe(5);
  });

  it('does not run for calls that a start handler rejects', async () => {
    let called = false;
    class Gate {
      @OnLlmStart({ critical: true }) no() {
        throw new Error('closed');
      }
    }
    const { llm } = await start([new Gate(), does((_call, next) => ((called = true), next()))]);
    await expect(ask(llm, method)).rejects.toThrow('closed');
    expect(called).toBe(false);
  });

  it('must return an answer', async () => {
    const { llm } = await start([does(() => ({ answer: 'hello' }))]);
    await expect(ask(llm, method)).rejects.toThrow(/Does\.around gave no LlmResponse/);
  });

  it('cannot call next after the call has ended', async () => {
    let late!: LlmNext;
    const keeping = does((_call, next) => ((late = next), fakeLlmResponse({ text: 'x' })));
    const { llm, fake } = await start([keeping]);
    await ask(llm, method);
    const given = late();
    await expect(given instanceof LlmStream ? given.response : given).rejects.toThrow(/over/);
    expect(fake.requests).toEqual([]);
  });
});

describe('An interceptor of a stream', () => {
  it('can return the stream of next, whose chunks are emitted once', async () => {
    const { llm, recording } = await start(
      [does((_call, next) => next())],
      [{ text: 'one two three', usage }],
    );
    const { chunks } = await ask(llm, 'stream');
    expect(chunks.map((chunk) => 'text' in chunk && chunk.text)).toEqual(['one', ' two', ' three']);
    expect(recording.of('llm.chunk').map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it('can yield its own chunks; the answer is their sum', async () => {
    const shouting = does(async function* (_call, next) {
      for await (const chunk of next() as LlmStream)
        yield chunk.type === 'text' ? { ...chunk, text: chunk.text.toUpperCase() } : chunk;
    });
    const { llm } = await start(
      [shouting],
      [{ text: 'one two', usage, toolCalls: [{ name: 'look', args: { at: 1 } }] }],
    );
    const { response } = await ask(llm, 'stream');
    expect(response).toMatchObject({
      text: 'ONE TWO',
      finishReason: 'tool-calls',
      toolCalls: [{ name: 'look', args: { at: 1 } }],
      cost: COST,
    });
  });

  it('can yield chunks of two calls under one index, which are two calls', async () => {
    const split = does(async function* () {
      for (const [id, name, argsDelta] of [
        ['a', 'look', '{"x":1}'],
        ['b', 'delete_all', ''],
      ] as const)
        yield { type: 'tool-call' as const, index: 0, id, name, argsDelta };
    });
    const { llm } = await start([split]);
    const { response } = await ask(llm, 'stream');
    expect(response.toolCalls.map(({ id, name, args }) => [id, name, args])).toEqual([
      ['a', 'look', { x: 1 }],
      ['b', 'delete_all', {}],
    ]);
  });

  it('can yield only chunks; the other fields of next’s answer are kept', async () => {
    const providerData = { thoughts: 'opaque' };
    const answer: FakeAnswer = {
      text: 'one two',
      id: 'a1',
      model: 'fake-2',
      finishReason: 'length',
      message: { role: 'assistant', content: 'one two', providerData },
    };
    const mapped = async (change: (text: string) => string) => {
      const mapping = does(async function* (_call, next) {
        for await (const chunk of next() as LlmStream)
          yield chunk.type === 'text' ? { ...chunk, text: change(chunk.text) } : chunk;
      });
      const { llm } = await start([mapping], [answer]);
      return (await ask(llm, 'stream')).response;
    };
    const said = { id: 'a1', model: 'fake-2', finishReason: 'length' };
    expect(await mapped((text) => text)).toMatchObject({ ...said, message: { providerData } });
    const changed = await mapped((text) => text.toUpperCase());
    expect(changed).toMatchObject({ ...said, text: 'ONE TWO' });
    expect(changed.message).toEqual({ role: 'assistant', content: 'ONE TWO' });
  });

  it('can yield chunks of a stream whose text is not kept', async () => {
    const { llm } = await start([
      does(async function* (_call, next) {
        yield* next() as LlmStream;
      }),
    ]);
    const stream = llm.stream('hi', { collect: false });
    for await (const _ of stream);
    expect((await stream.response).text).toBe('');
  });

  it('can yield the answer as the last item', async () => {
    const passing = does(async function* (_call, next) {
      const stream = next() as LlmStream;
      yield* stream;
      yield await stream.response;
    });
    const { llm } = await start([passing], [{ text: 'cut', finishReason: 'length', usage }]);
    expect((await ask(llm, 'stream')).response.finishReason).toBe('length');
  });

  it('runs its code after the stream before the end event is emitted', async () => {
    const done: string[] = [];
    const tidy = does(async function* (_call, next) {
      try {
        const stream = next() as LlmStream;
        yield* stream;
        yield await stream.response;
        done.push('after the answer');
      } finally {
        await new Promise(setImmediate);
        done.push('finally');
      }
    });
    const { llm } = await start([tidy, { onLlmEnd: () => void done.push('end') }]);
    await ask(llm, 'stream');
    expect(done).toEqual(['after the answer', 'finally', 'end']);
  });

  it('can return a response, which is replayed as chunks', async () => {
    const response = fakeLlmResponse({
      text: 'all at once',
      toolCalls: [{ id: 'c', name: 'look', args: {}, argsText: '{}' }],
    });
    const { llm } = await start([does(() => response)]);
    expect((await ask(llm, 'stream')).chunks).toEqual([
      { type: 'text', text: 'all at once' },
      { type: 'tool-call', index: 0, id: 'c', name: 'look', argsDelta: '{}' },
    ]);
  });

  it('runs nothing before the stream is read', async () => {
    let called = false;
    const { llm } = await start([does((_call, next) => ((called = true), next()))]);
    const stream = llm.stream('hi');
    await new Promise(setImmediate);
    expect(called).toBe(false);
    await stream.response;
    expect(called).toBe(true);
  });

  it('runs its finally when the consumer stops, and knows the usage', async () => {
    let spent: InterceptedLlmCall['spent'] | undefined;
    const watching = does(async function* (call, next) {
      try {
        yield* next() as LlmStream;
      } finally {
        ({ spent } = call);
      }
    });
    const { llm, recording } = await start([watching], [{ text: 'one two three', usage }]);
    const stream = llm.stream('hi');
    for await (const chunk of stream) if (chunk.type === 'text') break;
    expect(spent).toMatchObject({ requests: 1, usage: { source: 'estimated' } });
    expect(spent!.cost).toBeGreaterThan(0);
    const response = await stream.response;
    expect(response).toMatchObject({ finishReason: 'cancelled', text: 'one', cost: spent!.cost });
    expect(recording.of('llm.end')).toHaveLength(1);
  });

  it('can stop the stream of next early, and the call completes', async () => {
    const first = does(async function* (_call, next) {
      for await (const chunk of next() as LlmStream) {
        yield chunk;
        break;
      }
    });
    const { llm } = await start([first], [{ text: 'one two three', usage }]);
    const { response } = await ask(llm, 'stream');
    expect(response).toMatchObject({
      text: 'one',
      finishReason: 'stop',
      attempts: [{ usage: { source: 'estimated' } }],
    });
  });

  it('passes the provider’s error on after the stream has started', async () => {
    const broken = {
      name: 'broken',
      generate: () => Promise.reject(new Error('no')),
      async *stream() {
        yield { type: 'text' as const, text: 'half' };
        throw new LlmServerError('lost');
      },
    };
    const recording = new RecordingCallbacks();
    const app = await startApp(
      {},
      {
        llm: { provider: broken, model: 'm' },
        callbacks: [recording, does((_call, next) => next())],
      },
    );
    await expect(ask(app.llm, 'stream')).rejects.toThrow('lost');
    expect(recording.of('llm.error')).toMatchObject([
      { text: 'half', attempts: [{ error: { message: 'lost' } }] },
    ]);
  });
});

it('Interceptors run inside schema validation, and also wrap its second attempt', async () => {
  const seen: number[] = [];
  const counting = does((call, next) => {
    seen.push(call.request.messages.length);
    return next();
  });
  const { llm, recording } = await start(
    [counting],
    [
      { text: 'no json', usage },
      { text: '{"a":1}', usage },
    ],
  );
  const schema = {
    type: 'object',
    properties: { a: { type: 'number' } },
    required: ['a'],
  } as const;
  const response: LlmResponse = await llm.generate('hi', { schema });
  expect(response).toMatchObject({
    object: { a: 1 },
    cost: 2 * COST,
    attempts: [{ error: { code: 'schema_validation' } }, {}],
  });
  expect(seen).toEqual([1, 3]);
  expect(recording.of('llm.retry')).toEqual([]);
});
