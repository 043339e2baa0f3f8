import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ForbiddenException } from '@nestjs/common';
import {
  CallbackAbort,
  CallbackTimeoutError,
  OnCallbackError,
  OnLlmEnd,
  OnLlmError,
  OnLlmStart,
  OnLlmStreamChunk,
  type CallbackErrorEvent,
  type HandlerContext,
  type LlmErrorEvent,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';
import { logs } from '../support/logs.js';

let received: string[];
beforeEach(() => {
  received = [];
});
afterEach(closeApps);

describe('Handlers of one event', () => {
  it('run one after the other, each awaited before the next', async () => {
    const slow = {
      async onLlmStart() {
        received.push('slow begins');
        await new Promise(setImmediate);
        received.push('slow is done');
      },
    };
    const { llm } = await startApp(
      {},
      { callbacks: [slow, { onLlmStart: () => void received.push('next') }] },
    );
    await llm.generate('hi');
    expect(received).toEqual(['slow begins', 'slow is done', 'next']);
  });

  it('share one event, and receive a signal', async () => {
    const events: unknown[] = [];
    const keep = () => ({
      onLlmStart: (event: LlmStartEvent, { signal }: HandlerContext) =>
        void events.push(event, signal),
    });
    const { llm } = await startApp({}, { callbacks: [keep(), keep()] });
    await llm.generate('hi');
    expect(events[0]).toBe(events[2]);
    expect(events[1]).toBeInstanceOf(AbortSignal);
  });

  it('are filtered by `when`; if `when` throws, the error is reported and the handler is not called', async () => {
    class Filtered {
      @OnLlmStart({ when: (event) => event.prompt === 'yes' }) some() {
        received.push('some');
      }
      @OnLlmStart({
        critical: true,
        when: () => {
          throw new Error('bad filter');
        },
      })
      broken() {
        received.push('never');
      }
      @OnCallbackError() failed(event: CallbackErrorEvent) {
        received.push(`${event.handler}: ${(event.error as Error).message}`);
      }
    }
    const { llm } = await startApp({}, { callbacks: [new Filtered()] });
    await llm.generate('no');
    await llm.generate('yes');
    expect(received).toEqual([
      'Filtered.broken: bad filter',
      'some',
      'Filtered.broken: bad filter',
    ]);
  });
});

describe('An error in a handler', () => {
  class Failing {
    @OnLlmEnd() sync() {
      throw new Error('sync');
    }
    @OnLlmEnd() async later() {
      return Promise.reject(new Error('later'));
    }
  }

  it('is logged, emitted as callback.error, and does not change the result', async () => {
    const recording = new RecordingCallbacks();
    const { llm } = await startApp({}, { callbacks: [new Failing(), recording] });
    expect((await llm.generate('hi')).text).toBe('hello');
    expect(
      recording.of('callback.error').map(({ handler, event }) => [handler, event.type]),
    ).toEqual([
      ['Failing.sync', 'llm.end'],
      ['Failing.later', 'llm.end'],
    ]);
    expect(logs).toEqual([
      { level: 'error', message: 'Failing.sync failed on llm.end: sync' },
      { level: 'error', message: 'Failing.later failed on llm.end: later' },
    ]);
  });

  it.each<[string, unknown]>([
    ['an object without a prototype', Object.create(null)],
    ['a text that cannot be read', { toString: () => ({}) }],
    ['nothing', undefined],
  ])('can be any thrown value: %s', async (_, thrown) => {
    const recording = new RecordingCallbacks();
    const failing = {
      onLlmEnd() {
        throw thrown as Error;
      },
    };
    const { llm } = await startApp({}, { callbacks: [failing, recording] });
    expect((await llm.generate('hi')).text).toBe('hello');
    expect(recording.of('callback.error').map(({ error }) => error)).toEqual([thrown]);
  });

  it('is only logged if the handler receives callback.error', async () => {
    const worse = {
      onCallbackError() {
        received.push('called');
        throw new CallbackAbort('worse');
      },
    };
    const { llm } = await startApp({}, { callbacks: [new Failing(), worse] });
    await llm.generate('hi');
    expect(received).toEqual(['called', 'called']);
    expect(logs.map(({ message }) => message)).toContain(
      'Object.onCallbackError failed on callback.error: worse',
    );
  });
});

describe('A critical handler', () => {
  const forbidden = new ForbiddenException('not you');
  const refuse = () => {
    throw forbidden;
  };

  class Gate {
    @OnLlmStart({ critical: true }) gate() {
      return refuse();
    }
    @OnLlmStart({ critical: true, order: 1 }) second() {
      received.push('never');
    }
    @OnLlmStart({ order: 2 }) observer() {
      received.push('observer');
    }
  }

  it('fails on start: no request, later critical handlers are skipped, observers receive all events', async () => {
    const recording = new RecordingCallbacks();
    const { llm, fake } = await startApp({}, { callbacks: [new Gate(), recording] });
    await expect(llm.generate('hi')).rejects.toBe(forbidden);
    expect(received).toEqual(['observer']);
    expect(fake.requests).toEqual([]);
    expect(recording.tree()).toEqual([
      { kind: 'llm', events: ['llm.start', 'llm.error'], children: [] },
    ]);
    expect(recording.of('llm.error')[0]).toMatchObject({
      error: forbidden,
      cost: 0,
      attempts: [],
      durationMs: 0,
    });
  });

  it('fails on a chunk: the run is aborted and fails with its error', async () => {
    const signals: boolean[] = [];
    class Censor {
      @OnLlmStreamChunk({ critical: true, when: ({ index }) => index === 1 }) async check() {
        await Promise.resolve();
        return refuse();
      }
      @OnLlmError() failed(_event: LlmErrorEvent, { signal }: HandlerContext) {
        signals.push(signal.aborted);
      }
    }
    const recording = new RecordingCallbacks();
    const { llm } = await startApp(
      {},
      { answers: ['a b c'], callbacks: [new Censor(), recording] },
    );
    const read: string[] = [];
    const reading = (async () => {
      for await (const text of llm.stream('hi').textStream) read.push(text);
    })();
    await expect(reading).rejects.toBe(forbidden);
    expect(read).toEqual(['a']);
    expect(recording.tree()[0]?.events).toEqual([
      'llm.start',
      'llm.chunk',
      'llm.chunk',
      'llm.error',
    ]);
    expect(recording.of('llm.error')[0]).toMatchObject({
      text: 'a b',
      error: forbidden,
      aborted: false,
    });
    expect(signals).toEqual([true]);
  });

  it('fails on end: the caller gets its error, and no second terminal event is emitted', async () => {
    class Last {
      @OnLlmEnd({ critical: true }) check() {
        return refuse();
      }
    }
    const recording = new RecordingCallbacks();
    const { llm } = await startApp({}, { callbacks: [new Last(), recording] });
    await expect(llm.generate('hi')).rejects.toBe(forbidden);
    const stream = llm.stream('hi');
    await expect(stream.response).rejects.toBe(forbidden);
    expect(recording.of('llm.end')).toHaveLength(2);
    expect(recording.of('llm.error')).toHaveLength(0);
  });

  it('fails on error: the run keeps its own error, and the handler’s error is reported', async () => {
    class OnFailure {
      @OnLlmError({ critical: true }) check() {
        return refuse();
      }
    }
    const recording = new RecordingCallbacks();
    const { llm } = await startApp(
      {},
      { answers: [new Error('down')], callbacks: [new OnFailure(), recording] },
    );
    await expect(llm.generate('hi')).rejects.toThrow('down');
    expect(recording.of('callback.error').map(({ error }) => error)).toEqual([forbidden]);
  });

  it('is any handler that throws a CallbackAbort or a subclass of it', async () => {
    class Closed extends CallbackAbort {}
    const closed = new Closed('closed tonight');
    const hook = {
      onLlmStart() {
        throw closed;
      },
    };
    const { llm, fake } = await startApp({}, { callbacks: [hook] });
    await expect(llm.generate('hi')).rejects.toBe(closed);
    expect(fake.requests).toEqual([]);
  });
});

describe('A handler with timeoutMs', () => {
  it('is no longer awaited after the timeout; its signal fires and the timeout is reported', async () => {
    class Slow {
      @OnLlmStart({ timeoutMs: 5 }) hang(_event: LlmStartEvent, { signal }: HandlerContext) {
        signal.addEventListener('abort', () => received.push('stopped'));
        return new Promise(() => undefined);
      }
    }
    const recording = new RecordingCallbacks();
    const { llm } = await startApp({}, { callbacks: [new Slow(), recording] });
    expect((await llm.generate('hi')).text).toBe('hello');
    expect(received).toEqual(['stopped']);
    expect(recording.of('callback.error')[0]?.error).toBeInstanceOf(CallbackTimeoutError);
  });

  it('fails the run if it is critical', async () => {
    class Slow {
      @OnLlmStart({ timeoutMs: 5, critical: true }) hang() {
        return new Promise(() => undefined);
      }
    }
    const { llm } = await startApp({}, { callbacks: [new Slow()] });
    await expect(llm.generate('hi')).rejects.toBeInstanceOf(CallbackTimeoutError);
  });

  it('is not interrupted when it completes in time', async () => {
    class Quick {
      @OnLlmStart({ timeoutMs: 60_000 }) async quick(
        _event: LlmStartEvent,
        { signal }: HandlerContext,
      ) {
        await Promise.resolve();
        received.push(`aborted: ${signal.aborted}`);
      }
    }
    const { llm } = await startApp({}, { callbacks: [new Quick()] });
    await llm.generate('hi');
    expect(received).toEqual(['aborted: false']);
  });
});

describe('A handler that hangs', () => {
  it('on start does not exceed the timeout of the call; the other handlers run first', async () => {
    const hang = { onLlmStart: () => new Promise(() => undefined) };
    const recording = new RecordingCallbacks();
    const { llm, fake } = await startApp({}, { callbacks: [hang, recording] });
    await expect(llm.generate('hi', { timeoutMs: 5 })).rejects.toMatchObject({ code: 'timeout' });
    expect(recording.tree()[0]?.events).toEqual(['llm.start', 'llm.error']);
    expect(fake.requests).toEqual([]);
  });

  it('on a chunk does not delay an abort', async () => {
    const recording = new RecordingCallbacks();
    const hang = { onLlmStreamChunk: () => new Promise(() => undefined) };
    const { llm } = await startApp({}, { callbacks: [recording, hang] });
    const stream = llm.stream('hi', { timeoutMs: 5 });
    await expect(stream.response).rejects.toMatchObject({ code: 'timeout' });
    expect(recording.tree()[0]?.events).toEqual(['llm.start', 'llm.chunk', 'llm.error']);
  });
});
