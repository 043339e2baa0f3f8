import { Duplex, Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { afterEach, describe, expect, it } from '@jest/globals';
import { closeApps } from '../../support/app.js';
import { readAll } from '../../support/wire/index.js';
import { ENDED, macrotask, startWork } from '../../support/chains.js';

afterEach(closeApps);

describe('A chain that returns a byte stream', () => {
  it.each([
    ['Node', () => Readable.from(['a', 'b'])],
    ['the web', () => ReadableStream.from(['a', 'b'])],
  ])('of %s returns the same object and ends when it has been read', async (_of, make) => {
    const { work, types } = await startWork();
    const stream: AsyncIterable<string> = make();
    expect(work.give(stream)).toBe(stream);
    expect(types()).toEqual(['chain.start']);
    expect(await readAll(stream)).toEqual(['a', 'b']);
    await macrotask();
    expect(types()).toEqual(ENDED);
  });

  it('ends when the stream is destroyed or cancelled unread', async () => {
    const { work, types } = await startWork();
    work.give(Readable.from(['a'])).destroy();
    await work.give(ReadableStream.from(['a'])).cancel();
    await macrotask();
    expect(types().toSorted()).toEqual([...ENDED, ...ENDED].toSorted());
  });

  it('ends when there is nothing left to read, even if the stream is still writable', async () => {
    const { work, types } = await startWork();
    const both = new Duplex({ read: () => undefined });
    both.push(null);
    work.give(both).resume();
    await macrotask();
    expect([both.writable, types()]).toEqual([true, ENDED]);
  });

  it('fails with the error of the stream', async () => {
    const { work, recording } = await startWork();
    const errors = [new Error('node'), new Error('web')] as const;
    work.give(new Readable()).destroy(errors[0]);
    work.give(new ReadableStream({ start: (controller) => controller.error(errors[1]) }));
    await macrotask();
    const failed = recording.of('chain.error').map(({ error }) => error);
    expect(failed.toSorted((a, b) => a.message.localeCompare(b.message))).toEqual(errors);
  });
});
