import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { CallbacksService, type CallbackEvent, type WorkContext } from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

async function start() {
  const recording = new RecordingCallbacks();
  const { llm, module } = await startApp({}, { callbacks: [recording] });
  return { llm, recording, callbacks: module.get(CallbacksService) };
}

type Fn<R> = (input: object, context: WorkContext) => R;
type Service = CallbacksService;
const INPUT = { of: 'the work' };

/** The three kinds of run, each with the expected fields of its events. */
const KINDS = [
  {
    kind: 'chain',
    call: <R>(service: Service, fn: Fn<R>) => service.chain('answer', INPUT, fn),
    says: { chainName: 'answer' },
    start: { chainName: 'answer', input: INPUT },
    result: 'result',
  },
  {
    kind: 'retrieval',
    call: <R>(service: Service, fn: Fn<R>) => service.retrieval(INPUT, fn, 'help-texts'),
    says: { query: INPUT, source: 'help-texts' },
    start: { query: INPUT, source: 'help-texts' },
    result: 'documents',
  },
  {
    kind: 'tool',
    call: <R>(service: Service, fn: Fn<R>) => service.tool('find', INPUT, fn),
    says: { toolName: 'find', args: INPUT, toolCallId: expect.stringMatching(/^[\da-f-]{36}$/) },
    start: { toolName: 'find', args: INPUT },
    result: 'result',
  },
] as const;

describe.each(KINDS)('A function run as a $kind', ({ kind, call, says, start: begun, result }) => {
  it('emits start and end events with its input and its result', async () => {
    const { callbacks, recording } = await start();
    const given = { found: ['a', 'b'] };
    expect(await call(callbacks, () => given)).toBe(given);
    const [first, last] = recording.events;
    expect(recording.events.map(({ type }) => type)).toEqual([`${kind}.start`, `${kind}.end`]);
    expect(first).toMatchObject(begun);
    expect(last).toMatchObject({ ...says, durationMs: expect.any(Number) });
    expect(last).toHaveProperty(result, given);
    expect((last as unknown as Record<string, unknown>)[result]).toBe(given);
    expect(last!.toJSON()).toMatchObject({ type: `${kind}.end`, [result]: given });
  });

  it('gets its input, a signal and the id of its run', async () => {
    const { callbacks, recording } = await start();
    const got: unknown[] = [];
    await call(callbacks, (input, { signal, runId }) => got.push(input, signal.aborted, runId));
    expect(got).toEqual([INPUT, false, recording.events[0]!.runId]);
    expect(got[0]).toBe(INPUT);
  });

  it.each([
    ['throws', new RangeError('no')],
    ['throws what is no error', { code: 7 }],
  ])(
    'that %s emits an error event, and the caller gets the thrown value itself',
    async (_how, thrown) => {
      const { callbacks, recording } = await start();
      const failing = call(callbacks, async () => Promise.reject(thrown as Error));
      await expect(failing).rejects.toBe(thrown);
      expect(recording.events.map(({ type }) => type)).toEqual([`${kind}.start`, `${kind}.error`]);
      const [, event] = recording.events as [CallbackEvent, CallbackEvent & { error: Error }];
      expect(event).toMatchObject({ ...says, aborted: false, durationMs: expect.any(Number) });
      expect(thrown instanceof Error ? event.error : event.error.cause).toBe(thrown);
      expect(event.toJSON()).toMatchObject({ aborted: false });
    },
  );

  it('nests all runs that it starts', async () => {
    const { callbacks, llm, recording } = await start();
    await call(callbacks, async () => {
      await llm.generate('Hi');
      await callbacks.chain('inner', 1, () => llm.generate('Hi'));
    });
    const asked = { kind: 'llm', events: ['llm.start', 'llm.end'], children: [] };
    const inner = { kind: 'chain', events: ['chain.start', 'chain.end'], children: [asked] };
    expect(recording.tree()).toEqual([
      { kind, events: [`${kind}.start`, `${kind}.end`], children: [asked, inner] },
    ]);
  });

  it('is not called when a critical start handler throws; the caller gets that error', async () => {
    const { callbacks, recording } = await start();
    const refusal = new Error('not now');
    const handler = async () => Promise.reject(refusal);
    callbacks.on(`${kind}.start`, handler, { critical: true });
    let called = false;
    await expect(call(callbacks, () => (called = true))).rejects.toBe(refusal);
    expect(called).toBe(false);
    expect(recording.events.map(({ type }) => type)).toEqual([`${kind}.start`, `${kind}.error`]);
    expect(recording.events[1]).toMatchObject({ error: refusal, durationMs: 0 });
  });

  it('fails with the error of a critical end handler, and emits no second terminal event', async () => {
    const { callbacks, recording } = await start();
    const refusal = new Error('too late');
    const handler = async () => Promise.reject(refusal);
    callbacks.on(`${kind}.end`, handler, { critical: true });
    await expect(call(callbacks, () => 1)).rejects.toBe(refusal);
    expect(recording.events.map(({ type }) => type)).toEqual([`${kind}.start`, `${kind}.end`]);
  });

  it('can outlive the run in which it was started, and is detached then', async () => {
    const { callbacks, recording } = await start();
    let release!: () => void;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let inner!: Promise<unknown>;
    await callbacks.chain('outer', 0, () => {
      inner = call(callbacks, () => gate);
    });
    release();
    await inner;
    const outer = recording.of('chain.start').find(({ chainName }) => chainName === 'outer')!;
    const last = recording.events.at(-1)!;
    expect(last).toMatchObject({
      type: `${kind}.end`,
      parentRunId: outer.runId,
      rootRunId: outer.runId,
      detached: true,
    });
    expect(recording.of('chain.end')[0]!.detached).toBeUndefined();
  });
});

describe('The duration of a run', () => {
  it('excludes its start handlers', async () => {
    const { callbacks, recording } = await start();
    let now = 1_000;
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now);
    callbacks.on('chain.start', async () => void (now += 30));
    await callbacks.chain('quick', 0, () => void (now += 5));
    clock.mockRestore();
    const { durationMs } = recording.of('chain.end')[0]!;
    expect(durationMs).toBe(5);
  });
});
