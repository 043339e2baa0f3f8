import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { CallbacksService, Chain } from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

const macrotask = () => new Promise(setImmediate);

@Injectable()
class Work {
  calls = 0;

  @Chain()
  plain(value: unknown): unknown {
    this.calls++;
    if (value instanceof Error) throw value;
    return value;
  }

  @Chain()
  async inTurn() {
    this.calls++;
    return 1;
  }
}

async function start() {
  const recording = new RecordingCallbacks();
  const { module } = await startApp({ providers: [Work] }, { callbacks: [recording] });
  const callbacks = module.get(CallbacksService);
  const types = () => recording.events.map(({ type }) => type);
  return { recording, callbacks, work: module.get(Work), types };
}

/** A handler that throws when the test releases it. */
function gate(error?: Error) {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const handler = async () => {
    await opened;
    if (error) throw error;
  };
  return { open, handler };
}

describe('A plain method', () => {
  it('returns its value at once, and its run ends then', async () => {
    const { work, types } = await start();
    const value = {};
    expect(work.plain(value)).toBe(value);
    expect(types()).toEqual(['chain.start', 'chain.end']);
  });

  it('throws at once, and its run ends then', async () => {
    const { work, types } = await start();
    const error = new Error('no');
    expect(() => work.plain(error)).toThrow(error);
    expect(types()).toEqual(['chain.start', 'chain.error']);
  });

  it('does not wait for start handlers, but its end is emitted only after them', async () => {
    const { work, callbacks, types, recording } = await start();
    const { open, handler } = gate();
    callbacks.on('chain.start', handler, { order: -1 });
    expect(work.plain(1)).toBe(1);
    expect(types()).toEqual([]);
    open();
    await macrotask();
    expect(types()).toEqual(['chain.start', 'chain.end']);
    expect(recording.of('chain.end')).toMatchObject([{ result: 1 }]);
  });

  it('that throws emits an error event after its start handlers', async () => {
    const { work, callbacks, types } = await start();
    const { open, handler } = gate();
    callbacks.on('chain.start', handler, { order: -1 });
    const error = new Error('no');
    expect(() => work.plain(error)).toThrow(error);
    expect(types()).toEqual([]);
    open();
    await macrotask();
    expect(types()).toEqual(['chain.start', 'chain.error']);
  });
});

describe('A critical start handler', () => {
  const refusal = new Error('refused');
  const refuse = () => {
    throw refusal;
  };

  it('that is synchronous stops a plain method', async () => {
    const { work, callbacks, types } = await start();
    callbacks.on('chain.start', refuse, { critical: true });
    expect(() => work.plain(1)).toThrow(refusal);
    expect(work.calls).toBe(0);
    expect(types()).toEqual(['chain.start', 'chain.error']);
  });

  it('that is synchronous stops a plain method even if another handler is slow', async () => {
    const { work, callbacks, types } = await start();
    const { open, handler } = gate();
    callbacks.on('chain.start', refuse, { critical: true, order: -2 });
    callbacks.on('chain.start', handler, { order: -1 });
    expect(() => work.plain(1)).toThrow(refusal);
    expect(work.calls).toBe(0);
    expect(types()).toEqual([]);
    open();
    await macrotask();
    expect(types()).toEqual(['chain.start', 'chain.error']);
  });

  it('stops an async method, synchronous or not', async () => {
    const { work, callbacks, types } = await start();
    const remove = callbacks.on('chain.start', refuse, { critical: true });
    await expect(work.inTurn()).rejects.toBe(refusal);
    remove();
    const { open, handler } = gate(refusal);
    callbacks.on('chain.start', handler, { critical: true });
    const calling = work.inTurn();
    open();
    await expect(calling).rejects.toBe(refusal);
    expect(work.calls).toBe(0);
    expect(types()).toEqual(['chain.start', 'chain.error', 'chain.start', 'chain.error']);
  });

  it('that is asynchronous is too late for a plain value, and emits callback.error', async () => {
    const { work, callbacks, types, recording } = await start();
    const { open, handler } = gate(refusal);
    callbacks.on('chain.start', handler, { critical: true });
    expect(work.plain(1)).toBe(1);
    open();
    await macrotask();
    expect(types()).toEqual(['chain.start', 'callback.error', 'chain.end']);
    expect(recording.of('callback.error')[0]).toMatchObject({ error: refusal });
  });

  it('that is asynchronous rejects the promise of a plain method', async () => {
    const { work, callbacks, types } = await start();
    const { open, handler } = gate(refusal);
    callbacks.on('chain.start', handler, { critical: true });
    const calling = work.plain(Promise.resolve(1));
    open();
    await expect(calling).rejects.toBe(refusal);
    expect(types()).toEqual(['chain.start', 'chain.error']);
  });
});

describe('A critical end handler', () => {
  const refusal = new Error('refused');

  it('that is synchronous makes a plain method throw, and no second event is emitted', async () => {
    const { work, callbacks, types } = await start();
    const { open, handler } = gate();
    const refuse = () => {
      throw refusal;
    };
    callbacks.on('chain.end', refuse, { critical: true, order: -2 });
    callbacks.on('chain.end', handler, { order: -1 });
    expect(() => work.plain(1)).toThrow(refusal);
    open();
    await macrotask();
    expect(types()).toEqual(['chain.start', 'chain.end']);
  });

  it('that is asynchronous is too late for a plain value, and emits callback.error', async () => {
    const { work, callbacks, types } = await start();
    const { open, handler } = gate(refusal);
    callbacks.on('chain.end', handler, { critical: true });
    expect(work.plain(1)).toBe(1);
    open();
    await macrotask();
    expect(types()).toEqual(['chain.start', 'chain.end', 'callback.error']);
  });
});

describe('A plain method that returns a promise', () => {
  it('is a chain until the promise settles', async () => {
    const { work, types, recording } = await start();
    const calling = work.plain(Promise.resolve('later'));
    expect(types()).toEqual(['chain.start']);
    expect(await calling).toBe('later');
    expect(types()).toEqual(['chain.start', 'chain.end']);
    expect(recording.of('chain.end')[0]!.result).toBe('later');
  });

  it('fails with the error of the promise', async () => {
    const { work, types } = await start();
    const error = new Error('no');
    await expect(work.plain(Promise.reject(error))).rejects.toBe(error);
    expect(types()).toEqual(['chain.start', 'chain.error']);
  });
});
