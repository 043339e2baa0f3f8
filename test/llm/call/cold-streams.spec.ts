import { describe, expect, it } from '@jest/globals';
import { lastValueFrom, toArray } from 'rxjs';
import {
  CallbacksConfigurationError,
  CallbacksService,
  LlmServerError,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import {
  errorOf,
  HELLO,
  json,
  readOne,
  readAll,
  says,
  stalled,
  stepwise,
  useBench,
  WIRES,
} from '../../support/wire/index.js';

const macrotask = () => new Promise(setImmediate);

describe.each(WIRES)('A stream of $name', (wire) => {
  const bench = useBench(wire);
  const hello = () => bench.server.answers(says(wire, 'stream', HELLO));

  it('sends no request and emits no event before it is read', async () => {
    hello();
    const stream = bench.llm.stream('Hi');
    void stream.textStream;
    void stream.toObservable();
    await macrotask();
    expect(bench.recording.events).toEqual([]);
    expect(bench.server.exchanges).toEqual([]);
    expect(await readAll(stream.textStream)).toEqual(['Hello, world']);
  });

  it('starts no run when it is disposed unread', async () => {
    const stream = bench.llm.stream('Hi');
    await stream[Symbol.asyncDispose]();
    expect(await errorOf(stream.response)).toMatchObject({ name: 'AbortError' });
    expect(await readAll(stream)).toEqual([]);
    expect(bench.recording.events).toEqual([]);
    expect(bench.server.exchanges).toEqual([]);
  });

  it('has one consumer: a second one throws', async () => {
    hello();
    const stream = bench.llm.stream('Hi');
    const first = readAll(stream);
    expect(() => stream[Symbol.asyncIterator]()).toThrow(CallbacksConfigurationError);
    expect(await errorOf(readAll(stream.textStream))).toBeInstanceOf(CallbacksConfigurationError);
    expect(await errorOf(lastValueFrom(stream.toObservable()))).toBeInstanceOf(
      CallbacksConfigurationError,
    );
    expect(await first).toHaveLength(1);
    expect(() => stream[Symbol.asyncIterator]()).toThrow(CallbacksConfigurationError);
  });

  it('can be read as chunks, as text and as an Observable', async () => {
    const chunk = { type: 'text', text: 'Hello, world' };
    bench.server.answers(...[1, 2, 3].map(() => says(wire, 'stream', HELLO)));
    expect(await readAll(bench.llm.stream('Hi'))).toEqual([chunk]);
    expect(await readAll(bench.llm.stream('Hi').textStream)).toEqual([chunk.text]);
    const observed = bench.llm.stream('Hi').toObservable().pipe(toArray());
    expect(await lastValueFrom(observed)).toEqual([chunk]);
  });

  it.each(['before', 'during', 'after'])(
    'resolves its response when that is accessed %s reading',
    async (when) => {
      hello();
      const stream = bench.llm.stream('Hi');
      let response = when === 'before' ? stream.response : undefined;
      for await (const { type } of stream)
        if (when === 'during' && type === 'text') response = stream.response;
      response ??= stream.response;
      expect(stream.response).toBe(response);
      expect((await response).text).toBe('Hello, world');
      expect(bench.server.exchanges).toHaveLength(1);
    },
  );

  it('is read by its response if there is no other consumer', async () => {
    hello();
    const stream = bench.llm.stream('Hi');
    const { response } = stream;
    expect(bench.recording.events).toEqual([]);
    expect((await response).text).toBe('Hello, world');
    expect(bench.recording.of('llm.chunk')).toHaveLength(1);
    expect(() => stream[Symbol.asyncIterator]()).toThrow(CallbacksConfigurationError);
  });

  it('fails without an unhandled rejection when its response is not awaited', async () => {
    bench.server.answers(
      json(wire.error({ type: 'api_error' }), 500),
      json(wire.error({ type: 'api_error' }), 500),
    );
    const read = bench.llm.stream('Hi');
    void read.response;
    expect(await errorOf(readAll(read))).toBeInstanceOf(LlmServerError);

    const failed = new Promise((resolve) =>
      bench.app.get(CallbacksService).on('llm.error', resolve),
    );
    void bench.llm.stream('Hi').response;
    await failed;
    await macrotask();
    expect(bench.recording.of('llm.error')).toHaveLength(2);
  });

  it('throws errors in its options when it is read, not before', async () => {
    const stream = bench.llm.stream('');
    expect(await errorOf(readAll(stream))).toMatchObject({ code: 'invalid_request' });
    expect(await errorOf(stream.response)).toMatchObject({ code: 'invalid_request' });
    expect(await errorOf(bench.llm.stream(' ').response)).toMatchObject({
      code: 'invalid_request',
    });
    expect(bench.recording.events).toEqual([]);
  });

  it('belongs to the context in which stream() was called', async () => {
    hello();
    const callbacks = bench.app.get(CallbacksService);
    const stream = callbacks.run({ userId: 'ada', tags: ['here'] }, () => bench.llm.stream('Hi'));
    await callbacks.run({ userId: 'bob' }, () => readAll(stream));
    expect(bench.recording.events.map(({ userId }) => userId)).toEqual(['ada', 'ada', 'ada']);
    expect(bench.recording.of('llm.end')[0]!.tags).toEqual(['here']);
  });

  it('is dispatched to the handlers registered when stream() was called', async () => {
    hello();
    const late = new RecordingCallbacks();
    const stream = bench.llm.stream('Hi');
    const remove = bench.app.get(CallbacksService).add(late);
    await readAll(stream);
    remove();
    expect(late.events).toEqual([]);
    expect(bench.recording.events).toHaveLength(3);
  });

  it('emits each chunk before its consumer receives it, and waits for the handler', async () => {
    const { serve, step } = stepwise(wire.opening + wire.text('a'), wire.text('b'), '');
    bench.server.answers(serve);
    const order: string[] = [];
    const hook = {
      onLlmStreamChunk: async (event: { index: number }) => {
        await macrotask();
        order.push(`handled ${event.index}`);
      },
    };
    const reader = bench.llm.stream('Hi', { callbacks: [hook] })[Symbol.asyncIterator]();
    for (let i = 0; i < 2; i++) {
      step();
      await reader.next();
      order.push(`got ${i}`);
    }
    await reader.return!();
    expect(order).toEqual(['handled 0', 'got 0', 'handled 1', 'got 1']);
  });

  it('keeps no text with collect: false', async () => {
    bench.server.answers(says(wire, 'stream', HELLO), stalled(wire.opening, wire.text('Hello')));
    const whole = bench.llm.stream('Hi', { collect: false });
    expect(await readAll(whole.textStream)).toEqual(['Hello, world']);
    expect(await whole.response).toMatchObject({ text: '', usage: { outputTokens: 500 } });

    const half = bench.llm.stream('Hi', { collect: false });
    await readOne(half);
    const { text, usage } = await half.response;
    expect(text).toBe('');
    expect(usage.outputTokens).toBeGreaterThan(0);
  });
});
