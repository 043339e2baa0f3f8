import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CallbackEndEvent,
  CallbacksService,
  LlmServerError,
  OnCallbackEnd,
  OnLlmStart,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';
import { Clock } from '../support/clock.js';

let clock: Clock;
beforeEach(() => {
  clock = new Clock();
});
afterEach(async () => {
  clock.release();
  await closeApps();
});

class Measures {
  readonly ends: CallbackEndEvent[] = [];

  @OnCallbackEnd()
  ended(event: CallbackEndEvent): void {
    this.ends.push(event);
  }
}

describe('@OnCallbackEnd()', () => {
  it('receives how long each handler took, whether it is synchronous, awaited or failed', async () => {
    class Busy {
      @OnLlmStart() now(): void {
        clock.pass(3);
      }
      @OnLlmStart() async later(): Promise<void> {
        await new Promise(setImmediate);
        clock.pass(40);
      }
      @OnLlmStart({ when: () => false }) never(): void {}
      @OnLlmStart() async fails(): Promise<void> {
        await new Promise(setImmediate);
        clock.pass(5);
        throw new Error('no');
      }
      @OnLlmStart() throws(): void {
        throw new Error('no');
      }
    }
    const measures = new Measures();
    const { llm } = await startApp({}, { callbacks: [new Busy(), measures] });
    const { durationMs } = await llm.generate('go');
    expect(durationMs).toBe(0);
    const of = (name: string) => measures.ends.find(({ handler }) => handler === `Busy.${name}`);
    expect(of('now')).toMatchObject({ eventType: 'llm.start', durationMs: 3, failed: false });
    expect(of('later')).toMatchObject({ durationMs: 40, failed: false });
    expect(of('fails')).toMatchObject({ durationMs: 5, failed: true });
    expect(of('throws')).toMatchObject({ durationMs: 0, failed: true });
    expect(measures.ends).toHaveLength(4);
  });

  it('leaves handlers of chunks and of callback events unmeasured', async () => {
    const measures = new Measures();
    const handlers = {
      onLlmStreamChunk: () => undefined,
      onCallbackError: () => undefined,
      onCallbackEnd: () => undefined,
      onLlmStart: () => Promise.reject(new LlmServerError('no')),
    };
    const { llm } = await startApp({}, { callbacks: [handlers, measures] });
    await llm.stream('go').response;
    expect(measures.ends.map(({ eventType }) => eventType)).toEqual(['llm.start']);
  });

  it('is awaited like other handlers, and its own failure is reported', async () => {
    const errors: string[] = [];
    const slow = {
      onLlmStart: () => undefined,
      onCallbackEnd: async () => {
        await new Promise(setImmediate);
        throw new Error('no');
      },
      onCallbackError: ({ handler }: { handler: string }) => void errors.push(handler),
    };
    const { llm } = await startApp({}, { callbacks: [slow] });
    await llm.generate('go');
    expect(errors).toEqual(['Object.onCallbackEnd']);
  });

  it('measures background handlers, when they are called', async () => {
    const measures = new Measures();
    const { llm, module } = await startApp({}, { callbacks: [measures] });
    const callbacks = module.get(CallbacksService);
    callbacks.on('llm.end', () => clock.pass(7), { background: true });
    await llm.generate('go');
    await callbacks.flush();
    expect(measures.ends).toEqual([expect.objectContaining({ eventType: 'llm.end' })]);
    expect(measures.ends[0]).toMatchObject({ durationMs: 7, handler: "callbacks.on('llm.end')" });
  });

  it('is not an event of @OnAnyEvent()', async () => {
    const recording = new RecordingCallbacks();
    const measures = new Measures();
    const { llm } = await startApp({}, { callbacks: [recording, measures] });
    await llm.generate('go');
    expect(recording.events.map(({ type }) => type)).toEqual(['llm.start', 'llm.end']);
    expect(measures.ends.map(({ eventType }) => eventType)).toEqual(['llm.start', 'llm.end']);
  });

  it('costs nothing when nothing listens: events have the next number', async () => {
    const recording = new RecordingCallbacks();
    const { llm } = await startApp({}, { callbacks: [recording] });
    await llm.generate('go');
    const [start, end] = recording.events;
    expect([start!.eventId, end!.eventId]).toEqual([`${start!.runId}:0`, `${start!.runId}:1`]);
  });

  it('measures only the runs that have such a handler', async () => {
    const recording = new RecordingCallbacks();
    const measures = new Measures();
    const { llm } = await startApp({}, { callbacks: [recording] });
    await llm.generate('go', { callbacks: [measures] });
    await llm.generate('again');
    expect(measures.ends).toHaveLength(2);
    expect(new Set(measures.ends.map(({ runId }) => runId)).size).toBe(1);
  });
});
