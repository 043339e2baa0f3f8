import { get } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import type OpenAI from 'openai';
import {
  CallbackAbort,
  CallbacksService,
  LlmAbortedError,
  MemoryLimitStore,
  OnLlmEnd,
  OnLlmStreamChunk,
  RateLimiter,
  type LlmStreamChunkEvent,
} from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../src/runs/active-run.js';
import { START } from '../support/limit-stores.js';
import {
  Bench,
  defer,
  errorOf,
  HELLO,
  readAll,
  says,
  silence,
  stalled,
  stepwise,
  WIRES,
} from '../support/wire/index.js';
import { fetchInRealm, newClient } from '../support/wire/sdk-clients.js';
import { type Caller, clientCaller, ownCaller } from './callers.js';

const KINDS = ['this library', 'an observed client'] as const;
type Kind = (typeof KINDS)[number];

const WAITS = { background: { drainMs: 60_000 } };
const GIVES_UP = { background: { drainMs: 0 } };

/** Handlers that work for a while, or fail after it. */
class Slow {
  readonly log: string[] = [];
  failAt: 'chunk' | 'end' | undefined;

  @OnLlmStreamChunk({ critical: true })
  async onChunk({ chunk }: LlmStreamChunkEvent): Promise<void> {
    await turns();
    if (chunk.type === 'text') this.log.push(`handled ${chunk.text}`);
    if (this.failAt === 'chunk') throw new CallbackAbort('Stop there.');
  }

  @OnLlmEnd({ critical: true })
  async onEnd(): Promise<void> {
    await turns();
    this.log.push('handled the end');
    if (this.failAt === 'end') throw new CallbackAbort('Too late.');
  }
}

@Controller()
class Door {
  work: () => Promise<void> = async () => undefined;

  @Get() enter(): Promise<void> {
    return this.work();
  }
}

/** Time enough for what does not wait. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
}

/** The text of an item of a stream: a chunk of this library, or an event of an SDK. */
function textOf(item: unknown): string | undefined {
  const { type, text, choices, delta } = item as {
    readonly type?: string;
    readonly text?: string;
    readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
    readonly delta?: string | { readonly text?: string };
  };
  if (type === 'text') return text;
  if (type === 'response.output_text.delta') return delta as string;
  if (type === 'content_block_delta') return (delta as { text?: string }).text;
  return choices?.[0]?.delta.content || undefined;
}

describe.each(WIRES)('A call of $name', (wire) => {
  let bench: Bench;
  let limiter: RateLimiter | undefined;
  const types = () => bench.recording.events.map(({ type }) => type);

  afterEach(async () => {
    limiter = undefined;
    await bench.close();
  });

  async function open(kind: Kind, options: object = {}): Promise<Caller> {
    bench = new Bench(wire, {
      ...options,
      callbacks: limiter === undefined ? [] : [limiter],
    });
    await bench.open();
    if (kind === 'this library') return ownCaller(bench.llm);
    const client = newClient(wire, bench.server.origin, { maxRetries: 0, fetch: fetchInRealm });
    return clientCaller(wire, bench.app.get(CallbacksService).observe(client as OpenAI));
  }

  describe.each(KINDS)('by %s', (kind) => {
    it('hands on what asynchronous handlers are done with, and its end after theirs', async () => {
      const caller = await open(kind, { providers: [Slow] });
      const { log } = bench.app.get(Slow);
      const { serve, step } = stepwise(
        wire.opening,
        wire.text('one'),
        wire.text('two'),
        wire.stream({ text: '' }).at(-1)!,
      );
      bench.server.answers(serve);
      const reading = (async () => {
        for await (const item of await caller.stream()) {
          const text = textOf(item);
          if (text === undefined) continue;
          log.push(`read ${text}`);
          step();
        }
        log.push('read the end');
      })();
      step();
      step();
      await reading;
      expect(log).toEqual([
        'handled one',
        'read one',
        'handled two',
        'read two',
        'handled the end',
        'read the end',
      ]);
    });

    it('fails its reader with what a critical asynchronous handler of chunks throws', async () => {
      const caller = await open(kind, { providers: [Slow] });
      bench.app.get(Slow).failAt = 'chunk';
      bench.server.answers(stalled(wire.opening, wire.text('one')));
      const error = await errorOf(caller.stream().then(readAll));
      expect(error).toBeInstanceOf(CallbackAbort);
      expect(await bench.server.exchanges[0]!.aborted).toBe(true);
      expect(bench.recording.of('llm.error')).toMatchObject([{ error }]);
    });

    it('fails its reader with what a critical asynchronous handler of its end throws', async () => {
      const caller = await open(kind, { providers: [Slow] });
      bench.app.get(Slow).failAt = 'end';
      bench.server.answers(says(wire, 'stream', HELLO), says(wire, 'generate', HELLO));
      const errors = [await errorOf(caller.stream().then(readAll)), await errorOf(caller.whole())];
      for (const error of errors) expect(error).toBeInstanceOf(CallbackAbort);
      expect(bench.recording.of('llm.end')).toHaveLength(2);
    });

    it('is awaited by the shutdown while its stream is read', async () => {
      const caller = await open(kind, WAITS);
      const frames = wire.stream(HELLO);
      const { serve, step } = stepwise(frames[0]!, frames.slice(1).join(''));
      bench.server.answers(serve);
      const reading = caller.stream().then(readAll);
      await bench.server.exchange(0);
      step();
      const closed = bench.app.close();
      step();
      await closed;
      expect(bench.recording.of('llm.end')).toMatchObject([{ finishReason: 'stop' }]);
      expect((await reading).map(textOf).join('')).toBe(HELLO.text);
      expect(await bench.server.exchanges[0]!.aborted).toBe(false);
    });

    it('is aborted by the shutdown while its stream is read', async () => {
      const caller = await open(kind, GIVES_UP);
      bench.server.answers(stalled(wire.opening, wire.text('one')));
      const arrived = defer<void>();
      const reading = errorOf(
        (async () => {
          for await (const item of await caller.stream()) if (textOf(item)) arrived.resolve();
        })(),
      );
      await arrived.promise;
      await bench.app.close();
      const [event] = bench.recording.of('llm.error');
      expect(event).toMatchObject({ aborted: true, text: 'one' });
      expect(await bench.server.exchanges[0]!.aborted).toBe(true);
      expect(await reading).toBeInstanceOf(LlmAbortedError);
    });

    it('is aborted by the shutdown when its reader has paused', async () => {
      const caller = await open(kind, GIVES_UP);
      bench.server.answers(stalled(wire.opening, wire.text('one'), wire.text('two')));
      const reader = (await caller.stream())[Symbol.asyncIterator]();
      while (textOf((await reader.next()).value) === undefined);
      await bench.app.close();
      expect(bench.recording.of('llm.error')).toMatchObject([{ aborted: true }]);
      expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    });

    it.each([
      ['before its answer', silence],
      ['within it', stalled(wire.opening, wire.text('one'))],
    ])(
      'is cancelled when the client of the HTTP request leaves while its stream is read: %s',
      async (_when, serve) => {
        const caller = await open(kind, { http: () => new ExpressAdapter(), controllers: [Door] });
        bench.server.answers(serve);
        const arrived = defer<void>();
        const reading = defer<void>();
        bench.app.get(Door).work = async () => {
          try {
            for await (const item of await caller.stream()) if (textOf(item)) arrived.resolve();
            reading.resolve();
          } catch (error) {
            reading.reject(error);
          }
        };
        const asking = get(await bench.url).on('error', () => undefined);
        const { aborted } = await bench.server.exchange(0);
        if (serve !== silence) await arrived.promise;
        asking.destroy();
        expect(await aborted).toBe(true);
        await reading.promise;
        await bench.app.get(OpenRuns).idle();
        expect(bench.recording.of('llm.end')).toMatchObject([{ finishReason: 'cancelled' }]);
      },
    );

    it.each(['whole', 'stream'] as const)(
      'is aborted by the shutdown before its answer: %s',
      async (method) => {
        const caller = await open(kind, GIVES_UP);
        bench.server.answers(silence);
        const calling = errorOf(
          method === 'whole' ? caller.whole() : caller.stream().then(readAll),
        );
        const { aborted } = await bench.server.exchange(0);
        await bench.app.close();
        expect(types()).toEqual(['llm.start', 'llm.error']);
        expect(await aborted).toBe(true);
        expect(await calling).toBeInstanceOf(LlmAbortedError);
      },
    );

    it.each(['whole', 'stream'] as const)(
      'is aborted by the shutdown while it waits for a limit, and is not sent: %s',
      async (method) => {
        const store = new MemoryLimitStore({ now: () => START });
        limiter = new RateLimiter({ requestsPerMinute: 1, mode: 'wait', store });
        const caller = await open(kind, GIVES_UP);
        bench.server.answers(says(wire, 'generate', HELLO));
        await caller.whole();
        bench.recording.clear();
        const waiting = errorOf(
          method === 'whole' ? caller.whole() : caller.stream().then(readAll),
        );
        await turns();
        expect(types()).toEqual(['llm.start']);
        await bench.app.close();
        expect(types()).toEqual(['llm.start', 'llm.error']);
        expect(await waiting).toBe(bench.recording.of('llm.error')[0]!.error);
        expect(await waiting).toBeInstanceOf(LlmAbortedError);
        expect(bench.server.exchanges).toHaveLength(1);
        expect(await limiter.usage()).toMatchObject({ used: 1, reserved: 0 });
      },
    );
  });

  it('by an observed client is aborted by the shutdown while nobody reads its stream', async () => {
    const caller = await open('an observed client', GIVES_UP);
    bench.server.answers(stalled(wire.opening, wire.text('one')));
    const stream = await caller.stream();
    await bench.app.close();
    expect(types()).toEqual(['llm.start', 'llm.error']);
    expect(bench.app.get(OpenRuns).size).toBe(0);
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    expect(await errorOf(readAll(stream))).toBeInstanceOf(LlmAbortedError);
  });
});
