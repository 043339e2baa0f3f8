import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { NEVER } from 'rxjs';
import { CallbacksService, Chain, LlmAbortedError, type LlmProvider } from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';
import { errorOf } from '../support/wire/index.js';

afterEach(closeApps);

/** A model that starts an answer and never ends it. */
const endless: LlmProvider = {
  name: 'endless',
  generate: () => new Promise(() => undefined),
  async *stream() {
    yield { type: 'text', text: 'Hello' };
    await new Promise(() => undefined);
  },
};

@Injectable()
class Waiting {
  @Chain()
  wait(): Promise<void> {
    return new Promise(() => undefined);
  }
}

async function start() {
  const recording = new RecordingCallbacks();
  const { module, llm } = await startApp(
    { providers: [Waiting] },
    {
      llm: { provider: endless, model: 'endless' },
      callbacks: [recording],
      background: { drainMs: 0 },
    },
  );
  return { module, llm, recording, callbacks: module.get(CallbacksService) };
}

describe('A chain still running at the shutdown deadline', () => {
  it('is aborted: its function’s signal fires, its caller’s promise rejects', async () => {
    const { module, callbacks, recording } = await start();
    let aborted = false;
    const calling = errorOf(
      callbacks.chain('endless', 0, async (_input, { signal }) => {
        signal.addEventListener('abort', () => (aborted = true));
        await new Promise(() => undefined);
      }),
    );
    await module.close();
    const [event] = recording.of('chain.error');
    expect(event).toMatchObject({ aborted: true, error: { name: 'AbortError' } });
    expect(event!.error).toBeInstanceOf(LlmAbortedError);
    expect(await calling).toBe(event!.error);
    expect(aborted).toBe(true);
  });

  it('is aborted when a plain method waits for a promise', async () => {
    const { module, recording } = await start();
    const calling = errorOf(module.get(Waiting).wait());
    await module.close();
    expect(await calling).toBe(recording.of('chain.error')[0]!.error);
  });

  it('is aborted with an LLM or agent stream that was not read', async () => {
    const { module, llm, callbacks, recording } = await start();
    await callbacks.chain('endless', 0, () => llm.stream('Hi'));
    await module.close();
    expect(recording.events.map(({ type }) => type)).toEqual(['chain.start', 'chain.error']);
    expect(recording.of('chain.error')[0]).toMatchObject({ aborted: true });
  });

  it('is aborted after an LLM or agent stream was partly read', async () => {
    const { module, llm, callbacks, recording } = await start();
    const stream = await callbacks.chain('endless', 0, () => llm.stream('Hi'));
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    const reading = errorOf(reader.next());
    await module.close();
    expect(await reading).toBeInstanceOf(LlmAbortedError);
    expect(recording.events.map(({ type }) => type)).toEqual([
      'chain.start',
      'llm.start',
      'llm.chunk',
      'llm.error',
      'chain.error',
    ]);
    expect(recording.of('chain.error')[0]).toMatchObject({ aborted: true });
  });

  it('is aborted with a generator, read or not', async () => {
    const { module, callbacks, recording } = await start();
    let released = false;
    async function* items() {
      try {
        yield 1;
        await new Promise(() => undefined);
      } finally {
        released = true;
      }
    }
    const unread = await callbacks.chain('unread', 0, items);
    const atItem = await callbacks.chain('at an item', 0, items);
    await atItem.next();
    const waiting = await callbacks.chain('waiting', 0, items);
    await waiting.next();
    const reading = errorOf(waiting.next());
    await module.close();
    const errors = recording.of('chain.error').map(({ error }) => error);
    expect(errors).toHaveLength(3);
    expect(await errorOf(unread.next())).toBe(errors[0]);
    expect(await errorOf(atItem.next())).toBe(errors[1]);
    expect(await reading).toBe(errors[2]);
    expect(released).toBe(true);
  });

  it.each([
    ['a stream of Node', () => new Readable({ read: () => undefined })],
    ['a stream of the web', () => new ReadableStream()],
    ['an Observable', () => NEVER],
    [
      'an async iterable',
      () => ({ [Symbol.asyncIterator]: () => endless.stream({} as never, {} as never) }),
    ],
  ])('is aborted with %s that has no consumer', async (_what, make) => {
    const { module, callbacks, recording } = await start();
    await callbacks.chain('endless', 0, make as () => unknown);
    await module.close();
    expect(recording.of('chain.error')).toMatchObject([{ aborted: true }]);
  });

  it('stops its byte stream', async () => {
    const { module, callbacks, recording } = await start();
    const node = await callbacks.chain('node', 0, () => new Readable({ read: () => undefined }));
    let cancelled: unknown;
    const cancel = (reason: unknown) => void (cancelled = reason);
    await callbacks.chain('web', 0, () => new ReadableStream({ cancel }));
    await module.close();
    const errors = recording.of('chain.error').map(({ error }) => error);
    expect([node.errored, cancelled]).toEqual(errors);
  });

  it('fails the subscriber of its Observable', async () => {
    const { module, callbacks, recording } = await start();
    const never = await callbacks.chain('endless', 0, () => NEVER);
    const failed = new Promise((resolve) => never.subscribe({ error: resolve }));
    await module.close();
    expect(await failed).toBe(recording.of('chain.error')[0]!.error);
  });
});
