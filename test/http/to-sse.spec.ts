import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Headers, Sse, type MessageEvent } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  CallbacksModule,
  LlmService,
  type LlmChunk,
  type LlmEndEvent,
  type LlmProvider,
  type ProviderResult,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import {
  concat,
  defer as lazily,
  from,
  lastValueFrom,
  merge,
  of,
  toArray,
  type Observable,
} from 'rxjs';
import { always, closeApps, startApp, willClose } from '../support/app.js';
import { read, TestEventSource } from '../support/event-source.js';
import { logs, testLogger } from '../support/logs.js';
import { defer } from '../support/wire/index.js';

afterEach(async () => {
  jest.useRealTimers();
  await closeApps();
});

@Controller()
class Streams {
  constructor(private readonly llm: LlmService) {}

  @Sse('plain') plain() {
    return this.llm.stream('hi').toSse();
  }

  @Sse('promised') async promised(): Promise<Observable<MessageEvent>> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.llm.stream('hi').toSse();
  }

  /** Stores the answer in addition. */
  @Sse('stored') stored() {
    const stream = this.llm.stream('hi');
    stream.response.catch(() => undefined);
    return stream.toSse();
  }

  @Sse('wrong') wrong() {
    return this.llm.stream('').toSse();
  }

  @Sse('given') given(@Headers('x-last') lastEventId?: string) {
    return this.llm.stream('hi').toSse({ lastEventId });
  }

  @Sse('more') more() {
    return concat(this.llm.stream('hi').toSse(), of({ type: 'bye', data: '1' }));
  }

  @Sse('two') two() {
    return merge(this.llm.stream('a').toSse(), this.llm.stream('b').toSse());
  }

  /** Sends its own first event before the stream is created. */
  @Sse('late') late() {
    const later = new Promise((resolve) => setImmediate(resolve));
    return concat(
      of({ type: 'first', data: '1' }),
      from(later.then(() => ({ type: 'second', data: '2' }))),
      lazily(() => this.llm.stream('hi').toSse()),
    );
  }
}

/** Yields some chunks of an answer, and then stalls until it is aborted. */
class Stalled implements LlmProvider {
  readonly name = 'stalled';
  asked = 0;

  constructor(private readonly pieces: number) {}

  generate(): Promise<ProviderResult> {
    throw new Error('not asked for');
  }

  async *stream(
    _request: unknown,
    { signal }: { signal: AbortSignal },
  ): AsyncIterable<LlmChunk | ProviderResult> {
    this.asked++;
    for (let i = 0; i < this.pieces; i++) yield { type: 'text', text: 'word ' };
    await once(signal, 'abort');
  }
}

/** Never stops. */
class Endless extends Stalled {
  override async *stream(): AsyncIterable<LlmChunk | ProviderResult> {
    this.asked++;
    const text = 'x'.repeat(65_536);
    for (;;) {
      yield { type: 'text', text };
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

const PLATFORMS = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};

async function listen(
  provider: LlmProvider,
  platform: AbstractHttpAdapter = new ExpressAdapter(),
  callbacks: object[] = [],
) {
  const recording = new RecordingCallbacks();
  const root = CallbacksModule.forRoot({
    llm: { provider, model: 'fake' },
    callbacks: [recording, ...callbacks],
  });
  const module = await Test.createTestingModule({ imports: [root], controllers: [Streams] })
    .setLogger(testLogger)
    .compile();
  const app = willClose(module.createNestApplication(platform));
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), recording };
}

describe.each(Object.keys(PLATFORMS) as (keyof typeof PLATFORMS)[])('toSse() on %s', (platform) => {
  const serve = (provider: LlmProvider) => listen(provider, PLATFORMS[platform]());

  it.each(['plain', 'promised', 'given', 'stored'])(
    'sends chunks and the finish reason, and calls the model once, at the route /%s',
    async (path) => {
      const fake = new FakeLlm(always('one two'));
      const { url, recording } = await serve(fake);
      const connections = await new TestEventSource(`${url}/${path}`).run();

      const { usage, cost } = recording.of('llm.end')[0]!;
      expect(read(connections[0]!)).toEqual([
        ['message', { type: 'text', text: 'one' }],
        ['message', { type: 'text', text: ' two' }],
        ['done', { finishReason: 'stop', usage, cost }],
      ]);
      expect(connections.map(({ status }) => status)).toEqual([200, 204]);
      expect(connections[1]!.text).toBe('');
      expect(fake.requests).toHaveLength(1);
      expect(recording.of('llm.start')).toHaveLength(1);
      expect(connections[0]!.type).toContain('text/event-stream');
      expect(logs).toEqual([]);
    },
  );

  it('calls the model again for a new EventSource', async () => {
    const fake = new FakeLlm(always('one'));
    const { url } = await serve(fake);
    await new TestEventSource(`${url}/plain`).run();
    await new TestEventSource(`${url}/plain`).run();
    expect(fake.requests).toHaveLength(2);
  });

  it.each([0, 2])(
    'answers 204 when the connection is lost after %i chunks, which cancels the run',
    async (pieces) => {
      const stalled = new Stalled(pieces);
      const { url, recording } = await serve(stalled);
      const source = new TestEventSource(`${url}/plain`, (at) => {
        if (at.lastEventId === String(pieces)) at.cut();
      });
      const connections = await source.run();

      expect(connections.map(({ status }) => status)).toEqual([200, 204]);
      expect(stalled.asked).toBe(1);
      expect(recording.of('llm.end')).toMatchObject([{ finishReason: 'cancelled' }]);
    },
  );

  it('answers 204 to an id that the handler passes', async () => {
    const fake = new FakeLlm(always('one'));
    const { url } = await serve(fake);
    const response = await fetch(`${url}/given`, { headers: { 'x-last': 'seven' } });
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(fake.requests).toEqual([]);
  });

  it.each(['more', 'two', 'wrong', 'stored', 'promised'])(
    'answers 204 to a reconnect whatever else the handler does, at the route /%s',
    async (path) => {
      const fake = new FakeLlm(always('one'));
      const { url, recording } = await serve(fake);
      const response = await fetch(`${url}/${path}`, { headers: { 'last-event-id': '3' } });
      expect([response.status, await response.text()]).toEqual([204, '']);
      expect(recording.events).toEqual([]);
      expect(logs).toEqual([]);
    },
  );

  it('sets the retry time to a day if its reconnect was answered before the stream was created', async () => {
    const fake = new FakeLlm(always('one'));
    const { url } = await serve(fake);
    const response = await fetch(`${url}/late`, { headers: { 'last-event-id': '3' } });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('retry: 86400000\n');
    expect(fake.requests).toEqual([]);
  });

  it('sends both streams of one HTTP response', async () => {
    const { url } = await serve(new FakeLlm(always('one')));
    const { events } = await new TestEventSource(`${url}/two`).connect();
    expect(events.map(({ event }) => event).filter(Boolean)).toEqual(['done', 'done']);
  });

  it('sends a comment after every 15 idle seconds', async () => {
    jest.useFakeTimers({
      doNotFake: [
        'setTimeout',
        'clearTimeout',
        'setImmediate',
        'clearImmediate',
        'nextTick',
        'queueMicrotask',
        'Date',
        'performance',
        'hrtime',
      ],
    });
    const { url } = await serve(new Stalled(1));
    let text = '';
    const source = new TestEventSource(`${url}/plain`, (at, all) => {
      text = all;
      if (all.split('\n: \n').length === 3) at.cut();
      else if (at.lastEventId !== '') jest.advanceTimersByTime(15_000);
    });
    const { events } = await source.connect();
    expect(text).toMatch(/: \n\n: \n\n$/);
    expect(events).toHaveLength(1);
  });
});

describe('toSse()', () => {
  it('emits only the messages outside of a request', async () => {
    const { llm } = await startApp({}, { answers: ['one', new Error('down')] });
    const messages = await lastValueFrom(llm.stream('hi').toSse().pipe(toArray()));
    expect(messages).toEqual([
      { data: { type: 'text', text: 'one' } },
      {
        type: 'done',
        data: { finishReason: 'stop', usage: expect.any(Object), cost: null },
      },
    ]);
    const failed = await lastValueFrom(llm.stream('hi').toSse().pipe(toArray()));
    expect(failed).toMatchObject([{ type: 'failed', data: { code: 'server_error' } }]);
  });

  it('sends no request for a reconnect outside of a request, nor for the answer read beside it', async () => {
    const { llm, fake } = await startApp();
    const stream = llm.stream('hi');
    const { response } = stream;
    const messages = await lastValueFrom(stream.toSse({ lastEventId: '7' }).pipe(toArray()));
    expect(messages).toEqual([]);
    await expect(response).rejects.toMatchObject({ name: 'AbortError' });
    expect(fake.requests).toEqual([]);
  });

  it('is read when it is subscribed, and cancelled when it is unsubscribed', async () => {
    const recording = new RecordingCallbacks();
    const { llm } = await startApp({}, { callbacks: [recording] });
    const messages = llm.stream('hi').toSse();
    expect(recording.events).toEqual([]);
    messages.subscribe().unsubscribe();
    await new Promise((resolve) => setImmediate(resolve));
    expect(recording.of('llm.end')).toMatchObject([{ finishReason: 'cancelled' }]);
  });

  it('cancels the run of a client that does not read, when Nest drops it', async () => {
    const ended = defer<LlmEndEvent>();
    const { url } = await listen(new Endless(0), undefined, [{ onLlmEnd: ended.resolve }]);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.pause();
    socket.on('error', () => undefined);
    socket.write('GET /plain HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await ended.promise).toMatchObject({ finishReason: 'cancelled' });
    expect(logs).toMatchObject([{ message: expect.stringContaining('not reading its events') }]);
    socket.destroy();
  });
});
