import { afterEach, describe, expect, it } from '@jest/globals';
import { closeApps } from '../support/app.js';
import { errorOf, readAll, readOne } from '../support/wire/index.js';
import { ASKED, ENDED, FAILED, macrotask, startWork } from '../support/work.js';

afterEach(closeApps);

describe('A chain that is an async generator', () => {
  it('is open until that was read, everything in its body nested', async () => {
    const { work, recording, types } = await startWork();
    const texts = work.talk();
    expect(types()).toEqual(['chain.start']);
    expect(await readAll(texts)).toEqual(['Hello, world', 'Hello, world']);
    expect(recording.tree()).toEqual([{ kind: 'chain', events: ENDED, children: [ASKED, ASKED] }]);
    expect(recording.of('chain.end')[0]!.result).toBeUndefined();
  });

  it('ends when its reader stops, at any item', async () => {
    const { work, types } = await startWork();
    await readOne(work.talk());
    expect(types()).toEqual(['chain.start', 'llm.start', 'llm.end', 'chain.end']);
  });

  it('ends when its reader stops, though it has more to say', async () => {
    const { callbacks, types } = await startWork();
    const items = await callbacks.chain('stubborn', 0, async function* () {
      try {
        yield 1;
      } finally {
        yield 2;
      }
    });
    expect(await readOne(items)).toBe(1);
    expect(types()).toEqual(ENDED);
  });

  it('ends when it is left unread', async () => {
    const { work, types } = await startWork();
    await work.talk().return(undefined);
    expect(types()).toEqual(ENDED);
  });

  it('fails with what its reader throws into it', async () => {
    const { work, types } = await startWork();
    const error = new Error('no');
    expect(await errorOf(work.talk().throw(error))).toBe(error);
    expect(types()).toEqual(FAILED);
  });

  it('fails with what its body throws, and is at its end then', async () => {
    const { work, recording, types } = await startWork(new Error('down'));
    const texts = work.talk();
    const error = await errorOf(texts.next());
    expect(recording.of('chain.error')[0]!.error).toBe(error);
    expect(await texts.next()).toEqual({ done: true, value: undefined });
    expect(types().at(-1)).toBe('chain.error');
  });

  it('never begins when a critical start handler throws, synchronous or not', async () => {
    const { work, callbacks, types, fake } = await startWork();
    const refusal = new Error('no');
    callbacks.on('chain.start', async () => Promise.reject(refusal), { critical: true });
    expect(await errorOf(readAll(work.talk()))).toBe(refusal);
    expect(types()).toEqual(FAILED);
    expect(fake.requests).toEqual([]);
  });

  it('lets its reader know what a critical end handler threw', async () => {
    const { work, callbacks } = await startWork();
    const refusal = new Error('no');
    callbacks.on('chain.end', async () => Promise.reject(refusal), { critical: true });
    expect(await errorOf(readAll(work.talk()))).toBe(refusal);
  });
});

describe('A chain that returns an async iterable', () => {
  class Feed implements AsyncIterable<number>, AsyncDisposable {
    readonly name = 'feed';
    disposed = false;

    async *[Symbol.asyncIterator]() {
      yield 1;
      yield 2;
    }

    async [Symbol.asyncDispose]() {
      this.disposed = true;
    }
  }

  it('gives the very object, which is as it was once somebody reads it', async () => {
    const { work, types } = await startWork();
    const feed = new Feed();
    const before = Reflect.ownKeys(feed);
    expect(work.give(feed)).toBe(feed);
    expect(await readAll(feed)).toEqual([1, 2]);
    expect(types()).toEqual(ENDED);
    expect(Object.keys(feed)).toEqual(before);
    expect(await readAll(feed)).toEqual([1, 2]);
    expect(types()).toEqual(ENDED);
  });

  it('may give the same one again and again', async () => {
    const { work, types } = await startWork();
    const feed = new Feed();
    for (let i = 0; i < 3; i++) expect(await readAll(work.give(feed))).toEqual([1, 2]);
    expect(types()).toEqual([...ENDED, ...ENDED, ...ENDED]);
    expect(Object.hasOwn(feed, Symbol.asyncIterator)).toBe(false);
  });

  it('ends when that is disposed of unread', async () => {
    const { work, types } = await startWork();
    const feed = work.give(new Feed());
    await feed[Symbol.asyncDispose]();
    expect(feed.disposed).toBe(true);
    expect(types()).toEqual(ENDED);
  });

  it('fails when that cannot be opened', async () => {
    const { work, types } = await startWork();
    const error = new Error('read already');
    const broken = {
      [Symbol.asyncIterator]: (): AsyncIterator<number> => {
        throw error;
      },
    };
    expect(await errorOf(readAll(work.give(broken)))).toBe(error);
    expect(types()).toEqual(FAILED);
  });

  it('ends when its reader stops, though that has no return()', async () => {
    const { work, types } = await startWork();
    const endless = { next: async () => ({ done: false, value: 1 }) };
    const iterable = { [Symbol.asyncIterator]: () => endless };
    expect(await readOne(work.give(iterable))).toBe(1);
    expect(types()).toEqual(ENDED);
  });

  it('is not read when a critical start handler throws, however late', async () => {
    const { work, callbacks, types } = await startWork();
    const refusal = new Error('no');
    callbacks.on('chain.start', async () => Promise.reject(refusal), { critical: true });
    const [early, late] = [work.give(new Feed()), work.give(new Feed())];
    expect(await errorOf(readAll(early))).toBe(refusal);
    await macrotask();
    expect(await errorOf(readAll(late))).toBe(refusal);
    expect(types().toSorted()).toEqual([...FAILED, ...FAILED].toSorted());
  });

  it('ends at once when that cannot be watched', async () => {
    const { work, types } = await startWork();
    const feed = Object.freeze(new Feed());
    expect(work.give(feed)).toBe(feed);
    expect(types()).toEqual(ENDED);
  });
});
