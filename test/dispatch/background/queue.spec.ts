import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  CallbackAbort,
  CallbacksService,
  OnLlmEnd,
  OnLlmStart,
  type BackgroundOptions,
  type CallbackErrorEvent,
  type EventSelector,
  type HandlerContext,
  type HandlerOptions,
  type LlmEndEvent,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../../support/app.js';
import { Gate, settle } from '../../support/gate.js';
import { logs } from '../../support/logs.js';

afterEach(closeApps);

/** An application with the given background options, and its recorded events. */
async function start(background: BackgroundOptions = {}) {
  const recording = new RecordingCallbacks();
  const app = await startApp({}, { background, callbacks: [recording] });
  const callbacks = app.module.get(CallbacksService);
  const failures = () => recording.of('callback.error');
  return { ...app, recording, callbacks, failures };
}

const inBackground = { background: true } as const;

describe('A background handler', () => {
  it('is not awaited by its run', async () => {
    const { llm, callbacks } = await start();
    const gate = new Gate();
    callbacks.on('llm.end', () => gate.pass(), inBackground);
    await llm.generate('hi');
    await gate.reached(1);
    expect(callbacks.background).toEqual({ running: 1, pending: 0, dropped: 0 });
    gate.open();
    await callbacks.flush();
    expect(callbacks.background).toEqual({ running: 0, pending: 0, dropped: 0 });
  });

  it('starts after the caller has its answer, however busy it keeps the process', async () => {
    const { llm, callbacks } = await start();
    const order: string[] = [];
    callbacks.on('llm.start', () => void order.push('handler'), inBackground);
    await llm.generate('hi').then(() => order.push('caller'));
    await callbacks.flush();
    expect(order).toEqual(['caller', 'handler']);
  });

  it('evaluates `when` at once, and respects its scope', async () => {
    const { llm, callbacks } = await start();
    const received: string[] = [];
    const listen = (name: string, options: HandlerOptions<LlmStartEvent>) =>
      callbacks.on('llm.start', () => received.push(name), { ...inBackground, ...options });
    listen('chosen', { when: ({ prompt }) => prompt === 'yes' });
    listen('scoped', { scope: 'default' });
    await llm.generate('no');
    await llm.generate('yes');
    await callbacks.flush();
    expect(received.toSorted()).toEqual(['chosen', 'scoped', 'scoped']);
  });

  it('receives events in order', async () => {
    const { llm, callbacks } = await start({ concurrency: 1 });
    const received: string[] = [];
    callbacks.on('*', ({ type }) => received.push(type), { ...inBackground, order: 2 });
    callbacks.on('llm.start', () => received.push('first'), { ...inBackground, order: 1 });
    await llm.generate('hi');
    await callbacks.flush();
    expect(received).toEqual(['first', 'llm.start', 'llm.end']);
  });

  it('is not called after it was removed, even if its event waits', async () => {
    const { llm, callbacks } = await start({ concurrency: 1 });
    const gate = new Gate();
    callbacks.on('llm.start', () => gate.pass(), inBackground);
    let calls = 0;
    const remove = callbacks.on('llm.end', () => calls++, inBackground);
    await llm.generate('hi');
    remove();
    gate.open();
    await callbacks.flush();
    expect(calls).toBe(0);
  });

  it('can be a method of a provider', async () => {
    const received: unknown[] = [];
    @Injectable()
    class Audit {
      @OnLlmStart({ background: true }) before(event: LlmStartEvent) {
        received.push(this, event.prompt);
      }
      @OnLlmEnd({ background: true }) after(event: LlmEndEvent, { signal }: HandlerContext) {
        received.push(event.text, signal.aborted);
      }
    }
    const { llm, module } = await startApp({ providers: [Audit] });
    await llm.generate('hi');
    await module.get(CallbacksService).flush();
    expect(received).toEqual([module.get(Audit), 'hi', 'hello', false]);
  });
});

describe('The background is bounded', () => {
  it('to `concurrency` handlers at once; the others run in order', async () => {
    const { llm, callbacks } = await start({ concurrency: 3, queueSize: 10 });
    const gate = new Gate();
    const begun: string[] = [];
    const hold = ({ prompt }: LlmStartEvent) => (begun.push(prompt), gate.pass());
    callbacks.on('llm.start', hold, inBackground);
    for (let i = 0; i < 9; i++) await llm.generate(String(i));
    await gate.reached(3);
    await settle();
    expect(gate.entered).toBe(3);
    expect(callbacks.background).toEqual({ running: 3, pending: 6, dropped: 0 });
    gate.open();
    await callbacks.flush();
    expect(begun).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
  });

  describe("whenFull: 'wait'", () => {
    it('makes a run wait for room', async () => {
      const { llm, callbacks } = await start({ concurrency: 1, queueSize: 1 });
      const gate = new Gate();
      callbacks.on('llm.end', () => gate.pass(), inBackground);
      await llm.generate('runs');
      await llm.generate('waits in the queue');
      let isDone = false;
      const third = llm.generate('waits for room').then(() => (isDone = true));
      await settle();
      expect(isDone).toBe(false);
      expect(callbacks.background).toEqual({ running: 1, pending: 2, dropped: 0 });
      gate.open();
      await third;
      await callbacks.flush();
      expect(gate.entered).toBe(3);
    });

    it('does not make an aborted run wait, and still calls the handler', async () => {
      const { llm, callbacks } = await start({ concurrency: 1, queueSize: 1 });
      const gate = new Gate();
      const received: string[] = [];
      const hold = ({ type }: { type: string }) => (received.push(type), gate.pass());
      callbacks.on('llm.start', hold, inBackground);
      callbacks.on('llm.error', hold, inBackground);
      await llm.generate('runs');
      await llm.generate('waits in the queue');
      const stop = new AbortController();
      const call = llm.generate('waits for room', { signal: stop.signal });
      await settle();
      stop.abort();
      await expect(call).rejects.toMatchObject({ name: 'AbortError' });
      // Its start event waits in the queue, abandoned but within the bound; its error event exceeds it.
      expect(callbacks.background).toEqual({ running: 1, pending: 2, dropped: 1 });
      gate.open();
      await callbacks.flush();
      expect(received).toEqual(['llm.start', 'llm.start', 'llm.start']);
    });

    it('does not make the background wait for itself', async () => {
      const { llm, callbacks } = await start({ concurrency: 1, queueSize: 2 });
      const nested: string[] = [];
      let isNested = false;
      callbacks.on(
        'llm.end',
        async () => {
          if (isNested) return;
          isNested = true;
          await Promise.all([llm.generate('a'), llm.generate('b'), llm.generate('c')]);
        },
        inBackground,
      );
      callbacks.on('llm.start', ({ prompt }) => void nested.push(prompt), inBackground);
      await llm.generate('outer');
      await callbacks.flush();
      expect(nested.toSorted()).toEqual(['a', 'b', 'c', 'outer']);
      expect(callbacks.background).toEqual({ running: 0, pending: 0, dropped: 0 });
    });
  });

  describe("whenFull: 'drop'", () => {
    it('counts and reports dropped events, and logs the first of a burst', async () => {
      const room = { concurrency: 1, queueSize: 1, whenFull: 'drop' } as const;
      const { llm, callbacks, failures } = await start(room);
      const burst = async () => {
        const gate = new Gate();
        const remove = callbacks.on('llm.end', gate.pass.bind(gate), inBackground);
        for (let i = 0; i < 5; i++) await llm.generate('secret');
        gate.open();
        await callbacks.flush();
        remove();
        return gate.entered;
      };
      expect(await burst()).toBe(2);
      expect(callbacks.background.dropped).toBe(3);
      const [failure, ...others] = failures();
      expect(others).toHaveLength(2);
      expect(failure).toMatchObject({
        handler: 'bound pass',
        event: { type: 'llm.end' },
        error: { code: 'background_full' },
      });
      expect(logs).toEqual([
        { level: 'warn', message: expect.stringContaining('bound pass is not called for llm.end') },
      ]);
      expect(logs[0]!.message).not.toContain('secret');
      await burst();
      expect(callbacks.background.dropped).toBe(6);
      expect(logs).toHaveLength(2);
    });
  });

  it.each<[string, object, RegExp]>([
    ['no handler at once', { concurrency: 0 }, /background\.concurrency must be/],
    ['half a handler', { concurrency: 1.5 }, /background\.concurrency must be/],
    ['a queue without end', { queueSize: Infinity }, /background\.queueSize must be/],
    ['another rule', { whenFull: 'burst' }, /background\.whenFull must be/],
    ['an endless shutdown', { drainMs: Infinity }, /background\.drainMs must be/],
    ['no time to add', { addTimeoutMs: 0 }, /background\.addTimeoutMs must be/],
    ['something else as queue', { queue: {} }, /background\.queue must be a JobQueue/],
    ['an option that is not there', { size: 1 }, /background has no option "size"/],
  ])('rejects %s', async (_, background, why) => {
    await expect(startApp({}, { background })).rejects.toThrow(why);
  });
});

describe('Errors in background handlers', () => {
  it('are logged and reported, also after the end of the run', async () => {
    const { llm, callbacks, recording, failures } = await start();
    const gate = new Gate();
    const error = new Error('disk full');
    callbacks.on('llm.end', () => gate.pass().then(() => Promise.reject(error)), inBackground);
    await llm.generate('hi');
    expect(failures()).toEqual([]);
    gate.open();
    await callbacks.flush();
    const [end] = recording.of('llm.end');
    expect(failures()).toMatchObject([
      { runId: end!.runId, handler: "callbacks.on('llm.end')", event: end, error },
    ]);
    expect(logs.map(({ message }) => message)).toEqual([
      "callbacks.on('llm.end') failed on llm.end: disk full",
    ]);
  });

  it('are reported, whatever was thrown', async () => {
    const { llm, callbacks, failures } = await start();
    const error = Object.create(null) as Error;
    callbacks.on('llm.end', () => Promise.reject(error), inBackground);
    await llm.generate('hi');
    await callbacks.flush();
    expect(failures().map((failure) => failure.error)).toEqual([error]);
  });

  it('do not stop a run, not even a CallbackAbort', async () => {
    const { llm, callbacks, failures } = await start();
    const refuse = () => {
      throw new CallbackAbort('no');
    };
    callbacks.on('llm.start', refuse, inBackground);
    await llm.generate('hi');
    await callbacks.flush();
    expect(failures()).toMatchObject([{ error: { code: 'callback_abort' } }]);
  });

  it('can be handled in the background, too', async () => {
    const { llm, callbacks } = await start({ concurrency: 1, queueSize: 1 });
    const received: CallbackErrorEvent[] = [];
    callbacks.on('callback.error', (event) => void received.push(event), inBackground);
    callbacks.on('llm.end', () => Promise.reject(new Error('no')), inBackground);
    await llm.generate('hi');
    await callbacks.flush();
    expect(received).toHaveLength(1);
  });

  it('include a timeout after `timeoutMs`, which frees the room', async () => {
    const { llm, callbacks, failures } = await start({ concurrency: 1 });
    const reasons: unknown[] = [];
    const hang = (_: unknown, { signal }: HandlerContext) =>
      new Promise(() => signal.addEventListener('abort', () => reasons.push(signal.reason)));
    callbacks.on('llm.end', hang, { ...inBackground, timeoutMs: 5 });
    let calls = 0;
    callbacks.on('llm.end', () => calls++, inBackground);
    await llm.generate('hi');
    await callbacks.flush();
    const error = expect.objectContaining({ code: 'callback_timeout' });
    expect(failures().map((failure) => failure.error)).toEqual([error]);
    expect(reasons).toEqual([error]);
    expect(calls).toBe(1);
  });

  it('are not caused by an aborted run: the signal does not fire, because the event has happened', async () => {
    const { llm, callbacks } = await start();
    const gate = new Gate();
    let signal: AbortSignal | undefined;
    const hold = (_: unknown, context: HandlerContext) => {
      ({ signal } = context);
      return gate.pass();
    };
    const stop = new AbortController();
    callbacks.on('llm.start', hold, inBackground);
    callbacks.on('llm.start', () => gate.reached(1).then(() => stop.abort()), { order: 1 });
    await expect(llm.generate('hi', { signal: stop.signal })).rejects.toThrow('aborted');
    expect(signal?.aborted).toBe(false);
    gate.open();
    await callbacks.flush();
  });
});

describe('callbacks.flush()', () => {
  it('resolves at once when nothing is pending', async () => {
    const { callbacks } = await start();
    await expect(callbacks.flush()).resolves.toBeUndefined();
  });

  it('waits for pending handlers, and for the handlers that they cause', async () => {
    const { llm, callbacks } = await start();
    const done: string[] = [];
    const again = async ({ prompt }: LlmStartEvent) => {
      await settle();
      await llm.generate(`${prompt}!`);
      done.push(prompt);
    };
    // Each receives the runs of the other, and not those that it has caused itself.
    callbacks.on('llm.start', again, inBackground);
    callbacks.on('llm.start', again.bind(undefined), inBackground);
    await llm.generate('a');
    await callbacks.flush();
    expect(done).toEqual(['a', 'a', 'a!', 'a!']);
  });

  it('in the background waits for the other handlers, which may also call it', async () => {
    const { llm, callbacks } = await start();
    const gate = new Gate();
    let flushed = 0;
    const flush = async () => {
      await callbacks.flush();
      flushed++;
    };
    callbacks.on('llm.end', flush, inBackground);
    callbacks.on('llm.end', flush, inBackground);
    callbacks.on('llm.end', () => gate.pass(), inBackground);
    await llm.generate('hi');
    await gate.reached(1);
    await settle();
    expect(flushed).toBe(0);
    gate.open();
    await callbacks.flush();
    expect(flushed).toBe(2);
  });

  it('in the background does not wait for handlers that are queued after the caller', async () => {
    const { llm, callbacks } = await start({ concurrency: 1 });
    let flushed = 0;
    callbacks.on('llm.end', () => callbacks.flush().then(() => flushed++), inBackground);
    await Promise.all([llm.generate('a'), llm.generate('b'), llm.generate('c')]);
    await callbacks.flush();
    expect(flushed).toBe(3);
  });

  it('does not wait for handlers that start meanwhile', async () => {
    const { llm, callbacks } = await start();
    const gates: Record<string, Gate> = { first: new Gate(), second: new Gate() };
    callbacks.on('llm.end', ({ tags }) => gates[tags[0]!]!.pass(), inBackground);
    await llm.generate('hi', { tags: ['first'] });
    const flushed = callbacks.flush();
    await llm.generate('hi', { tags: ['second'] });
    gates['first']!.open();
    await flushed;
    expect(callbacks.background.running).toBe(1);
    gates['second']!.open();
  });
});

it('Two applications have separate backgrounds', async () => {
  const apps = [await start({ concurrency: 1 }), await start({ concurrency: 1 })];
  const gate = new Gate();
  const selector: EventSelector = 'llm.end';
  for (const { callbacks } of apps) callbacks.on(selector, () => gate.pass(), inBackground);
  for (const { llm } of apps) await llm.generate('hi');
  await gate.reached(2);
  await apps[0]!.llm.generate('again');
  expect(apps.map(({ callbacks }) => callbacks.background)).toEqual([
    { running: 1, pending: 1, dropped: 0 },
    { running: 1, pending: 0, dropped: 0 },
  ]);
  gate.open();
});
