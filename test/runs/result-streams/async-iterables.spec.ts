import { afterEach, describe, expect, it } from '@jest/globals';
import { closeApps } from '../../support/app.js';
import { errorOf, readAll, readOne } from '../../support/wire/index.js';
import { ASKED, ENDED, FAILED, macrotask, startWork } from '../../support/chains.js';

afterEach(closeApps);

describe('A chain that is an async generator', () => {
  it('ends when it has been read, with all runs of its body nested', async () => {
    const { work, recording, types } = await startWork();
    const texts = work.talk();
    expect(types()).toEqual(['chain.start']);
    expect(await readAll(texts)).toEqual(['Hello, world', 'Hello, world']);
    expect(recording.tree()).toEqual([{ kind: 'chain', events: ENDED, children: [ASKED, ASKED] }]);
    expect(recording.of('chain.end')[0]!.result).toBeUndefined();
  });

  it('ends when its consumer stops at any item', async () => {
    const { work, types } = await startWork();
    await readOne(work.talk());
    expect(types()).toEqual(['chain.start', 'llm.start', 'llm.end', 'chain.end']);
  });

  it('ends when its consumer stops, even if the generator yields more in `finally`', async () => {
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

  it('ends when it is never read', async () => {
    const { work, types } = await startWork();
    await work.talk().return(undefined);
    expect(types()).toEqual(ENDED);
  });

  it('fails with the error that its consumer throws into it', async () => {
    const { work, types } = await startWork();
    const error = new Error('no');
    expect(await errorOf(work.talk().throw(error))).toBe(error);
    expect(types()).toEqual(FAILED);
  });

  it('fails with the error of its body, and is done then', async () => {
    const { work, recording, types } = await startWork(new Error('down'));
    const texts = work.talk();
    const error = await errorOf(texts.next());
    expect(recording.of('chain.error')[0]!.error).toBe(error);
    expect(await texts.next()).toEqual({ done: true, value: undefined });
    expect(types().at(-1)).toBe('chain.error');
  });

  it('never starts when a critical start handler throws, synchronously or not', async () => {
    const { work, callbacks, types, fake } = await startWork();
    const refusal = new Error('no');
    callbacks.on('chain.start', async () => Promise.reject(refusal), { critical: true });
    expect(await errorOf(readAll(work.talk()))).toBe(refusal);
    expect(types()).toEqual(FAILED);
    expect(fake.requests).toEqual([]);
  });

  it('passes the error of a critical end handler to its consumer', async () => {
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

  it('returns the same object, which is unchanged after it was read', async () => {
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

  it('can return the same object several times', async () => {
    const { work, types } = await startWork();
    const feed = new Feed();
    for (let i = 0; i < 3; i++) expect(await readAll(work.give(feed))).toEqual([1, 2]);
    expect(types()).toEqual([...ENDED, ...ENDED, ...ENDED]);
    expect(Object.hasOwn(feed, Symbol.asyncIterator)).toBe(false);
  });

  it('ends when the iterable is disposed unread', async () => {
    const { work, types } = await startWork();
    const feed = work.give(new Feed());
    await feed[Symbol.asyncDispose]();
    expect(feed.disposed).toBe(true);
    expect(types()).toEqual(ENDED);
  });

  it('fails when the iterator cannot be created', async () => {
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

  it('ends when its consumer stops, even if the iterator has no return()', async () => {
    const { work, types } = await startWork();
    const endless = { next: async () => ({ done: false, value: 1 }) };
    const iterable = { [Symbol.asyncIterator]: () => endless };
    expect(await readOne(work.give(iterable))).toBe(1);
    expect(types()).toEqual(ENDED);
  });

  it('is not read when a critical start handler throws, at any time', async () => {
    const { work, callbacks, types } = await startWork();
    const refusal = new Error('no');
    callbacks.on('chain.start', async () => Promise.reject(refusal), { critical: true });
    const [early, late] = [work.give(new Feed()), work.give(new Feed())];
    expect(await errorOf(readAll(early))).toBe(refusal);
    await macrotask();
    expect(await errorOf(readAll(late))).toBe(refusal);
    expect(types().toSorted()).toEqual([...FAILED, ...FAILED].toSorted());
  });

  it('ends immediately when the iterable cannot be tracked', async () => {
    const { work, types } = await startWork();
    const feed = Object.freeze(new Feed());
    expect(work.give(feed)).toBe(feed);
    expect(types()).toEqual(ENDED);
  });
});
