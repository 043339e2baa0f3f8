import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  CallbacksModule,
  CallbacksService,
  getLlmToken,
  LlmService,
  type LlmProvider,
  type LlmRequest,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { ContextStore } from '../../src/runs/run-context.js';
import { always, closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

describe('The context of a run', () => {
  it('has generated ids if none are given', async () => {
    const recording = new RecordingCallbacks();
    const { llm } = await startApp({}, { callbacks: [recording] });
    await llm.generate('hi');
    await llm.generate('hi');
    const [start, end, other] = recording.events;
    expect(start).toMatchObject({
      traceId: expect.stringMatching(/^[\da-f]{32}$/),
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
      parentRunId: undefined,
      userId: undefined,
      tags: [],
      metadata: {},
      scope: 'default',
      scopes: ['default'],
      provider: 'fake',
      model: 'fake',
    });
    expect(start?.rootRunId).toBe(start?.runId);
    expect([start?.eventId, end?.eventId]).toEqual([`${start?.runId}:0`, `${start?.runId}:1`]);
    expect(end?.requestId).toBe(start?.requestId);
    expect(other?.requestId).not.toBe(start?.requestId);
    expect(other?.traceId).not.toBe(start?.traceId);
  });

  it('comes from callbacks.run, with nested calls merged; options of the call take precedence', async () => {
    const recording = new RecordingCallbacks();
    const { module, llm } = await startApp({}, { callbacks: [recording] });
    const callbacks = module.get(CallbacksService);
    const answer = await callbacks.run(
      { userId: 'ada', tenantId: 'acme', tags: ['a'], metadata: { x: 1, y: 1 } },
      () =>
        callbacks.run({ userId: 'bob', tags: ['b', 'a'], metadata: { y: 2 } }, () =>
          llm.generate('hi', { tags: ['c'], metadata: { z: 3 } }),
        ),
    );
    expect(answer.text).toBe('hello');
    expect(recording.events[1]).toMatchObject({
      userId: 'bob',
      tenantId: 'acme',
      tags: ['a', 'b', 'c'],
      metadata: { x: 1, y: 2, z: 3 },
    });
  });

  it('of a stream is the context in which stream() was called', async () => {
    const recording = new RecordingCallbacks();
    const { module, llm } = await startApp({}, { callbacks: [recording] });
    const callbacks = module.get(CallbacksService);
    const stream = callbacks.run({ userId: 'ada' }, () => llm.stream('hi'));
    await callbacks.run({ userId: 'bob' }, () => stream.response);
    expect(recording.events.map(({ userId }) => userId)).toEqual(['ada', 'ada', 'ada']);
  });

  it('is never mixed between concurrent calls', async () => {
    const seen = new Map<string, Set<string | undefined>>();
    class Watch {
      async onLlmStart(event: LlmStartEvent) {
        await new Promise(setImmediate);
        this.onLlmEnd(event);
      }
      onLlmEnd({ requestId, userId }: Pick<LlmStartEvent, 'requestId' | 'userId'>) {
        seen.set(requestId, (seen.get(requestId) ?? new Set()).add(userId));
      }
    }
    const { module, llm } = await startApp({}, { callbacks: [new Watch()] });
    const callbacks = module.get(CallbacksService);
    const users = Array.from({ length: 100 }, (_, i) => `user ${i}`);
    await Promise.all(
      users.map((userId, i) =>
        callbacks.run({ userId }, () => (i % 2 ? llm.generate('hi') : llm.stream('hi').response)),
      ),
    );
    expect(new Set([...seen.values()].map((set) => [...set].join()))).toEqual(new Set(users));
  });
});

/** A provider that calls another client before it answers. */
class Nesting implements LlmProvider {
  readonly name = 'nesting';
  inner: (() => Promise<unknown>) | undefined;
  readonly #fake = new FakeLlm(always('outer'));
  async generate(...args: Parameters<FakeLlm['generate']>) {
    await this.inner?.();
    return this.#fake.generate(...args);
  }
  async *stream(request: LlmRequest, ...rest: [Parameters<FakeLlm['stream']>[1]]) {
    await this.inner?.();
    yield* this.#fake.stream(request, ...rest);
  }
}

describe('The run tree', () => {
  async function nested() {
    const outer = new Nesting();
    const recording = new RecordingCallbacks();
    const received: string[] = [];
    const support = { name: 'support', llm: { provider: outer, model: 'outer' } };
    const { module, llm } = await startApp(
      {
        imports: [
          CallbacksModule.forFeature({
            ...support,
            callbacks: [{ onLlmStart: (e: LlmStartEvent) => received.push(e.prompt) }],
          }),
        ],
      },
      { callbacks: [recording] },
    );
    return {
      outer,
      recording,
      received,
      llm,
      support: module.get<LlmService>(getLlmToken('support'), { strict: false }),
    };
  }

  it.each(['generate', 'stream'] as const)(
    'nests calls inside %s, with its scope and callbacks',
    async (method) => {
      const { outer, recording, received, llm, support } = await nested();
      outer.inner = () => llm.generate('inside');
      await (method === 'generate'
        ? support.generate('around')
        : support.stream('around').response);
      const [around, inside] = recording.of('llm.start');
      expect(inside).toMatchObject({
        parentRunId: around?.runId,
        rootRunId: around?.runId,
        requestId: around?.requestId,
        scope: 'support',
        scopes: ['support'],
        fromCallback: undefined,
      });
      expect(received).toEqual(['around', 'inside']);
      expect(recording.tree()).toHaveLength(1);
    },
  );

  it('marks a child that outlives its parent as detached', async () => {
    const { outer, recording, llm, support } = await nested();
    let release!: () => void;
    const wait = new Promise<void>((resolve) => (release = resolve));
    let child: Promise<unknown> = Promise.resolve();
    outer.inner = async () => {
      child = llm.generate('inside', { callbacks: [{ onLlmStart: () => wait }] });
      return Promise.resolve();
    };
    await support.generate('around');
    release();
    await child;
    const [around, inside] = recording.of('llm.end');
    expect(around).toMatchObject({ detached: undefined });
    expect(inside).toMatchObject({ parentRunId: around?.runId, detached: true });
  });
});

describe('Shutdown', () => {
  it('releases the context storage, which every promise of the process would otherwise keep', async () => {
    const { module } = await startApp();
    const store = module.get(ContextStore, { strict: false });
    const around = await module.get(CallbacksService).run({ userId: 'ada' }, async () => {
      const before = store.current?.context.userId;
      await module.close();
      return [before, store.current];
    });
    expect(around).toEqual(['ada', undefined]);
  });

  @Injectable()
  class Stalled implements LlmProvider {
    readonly name = 'stalled';
    generate() {
      return new Promise<never>(() => undefined);
    }
    async *stream() {
      yield { type: 'text' as const, text: 'begun' };
      await new Promise<never>(() => undefined);
    }
  }

  it('waits for runs in progress', async () => {
    const recording = new RecordingCallbacks();
    let release!: () => void;
    const wait = new Promise<void>((resolve) => (release = resolve));
    const slow = { onLlmStart: () => wait };
    const { module, llm } = await startApp({}, { callbacks: [recording, slow] });
    const call = llm.generate('hi');
    const closing = module.close();
    release();
    expect((await call).text).toBe('hello');
    await closing;
    expect(recording.tree()[0]?.events).toEqual(['llm.start', 'llm.end']);
  });

  it('aborts runs that exceed drainMs, including streams without a consumer', async () => {
    const recording = new RecordingCallbacks();
    const { module, llm } = await startApp(
      {},
      {
        llm: { provider: new Stalled(), model: 's' },
        background: { drainMs: 5 },
        callbacks: [recording],
      },
    );
    const call = llm.generate('hi');
    const failure = call.catch((error: unknown) => error);
    const reader = llm.stream('hi')[Symbol.asyncIterator]();
    await reader.next();
    await module.close();
    expect(await failure).toMatchObject({ name: 'AbortError', code: 'aborted' });
    const failed = recording.of('llm.error').map(({ aborted, text }) => ({ aborted, text }));
    expect(failed).toHaveLength(2);
    expect(failed).toContainEqual({ aborted: true, text: '' });
    expect(failed).toContainEqual({ aborted: true, text: 'begun' });
  });
});
