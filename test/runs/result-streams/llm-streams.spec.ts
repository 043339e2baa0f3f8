import { afterEach, describe, expect, it } from '@jest/globals';
import { closeApps } from '../../support/app.js';
import { errorOf, readAll, readOne } from '../../support/wire/index.js';
import { ENDED, FAILED, macrotask, startWork } from '../../support/chains.js';

afterEach(closeApps);

describe('A chain that returns an LlmStream', () => {
  it('returns it at once and ends when it has been read, with the answer as result', async () => {
    const { work, types, recording } = await startWork();
    const stream = work.ask();
    expect(types()).toEqual(['chain.start']);
    expect(await readAll(stream.textStream)).toEqual(['Hello,', ' world']);
    // Emitted before the consumer saw the end of the stream.
    expect(types().slice(-2)).toEqual(['llm.end', 'chain.end']);
    expect(recording.of('llm.end')[0]).toMatchObject({
      parentRunId: recording.of('chain.start')[0]!.runId,
    });
    expect(recording.of('llm.end')[0]!.detached).toBeUndefined();
    expect(recording.of('chain.end')[0]!.result).toBe(await stream.response);
  });

  it.each(['chain', 'method'])('from an async %s, returns it at once as well', async (how) => {
    const { work, callbacks, llm, types } = await startWork();
    const stream = await (how === 'chain'
      ? callbacks.chain('ask', 1, () => llm.stream('Hi'))
      : work.giveLater(llm.stream('Hi')));
    expect(types()).toEqual(['chain.start']);
    await stream.response;
    expect(types().at(-1)).toBe('chain.end');
  });

  it('ends when its consumer stops reading', async () => {
    const { work, types, recording } = await startWork();
    await readOne(work.ask());
    expect(types().at(-1)).toBe('chain.end');
    expect(recording.of('chain.end')).toMatchObject([{ result: { finishReason: 'cancelled' } }]);
  });

  it('ends with the method when the stream was read inside', async () => {
    const { callbacks, llm, types, recording } = await startWork();
    const stream = await callbacks.chain('read', 0, async () => {
      const inside = llm.stream('Hi');
      await readAll(inside);
      return inside;
    });
    await macrotask();
    expect(types().at(-1)).toBe('chain.end');
    expect(recording.of('chain.end')[0]!.result).toBe(await stream.response);
  });

  it('completes the stream for its consumer after its end handlers', async () => {
    const { work, callbacks } = await startWork();
    let isDone = false;
    callbacks.on('chain.end', async () => {
      await macrotask();
      isDone = true;
    });
    await readOne(work.ask());
    expect(isDone).toBe(true);
  });

  it('ends without a result when the stream is disposed unread', async () => {
    const { work, types, recording } = await startWork();
    await work.ask()[Symbol.asyncDispose]();
    expect(types()).toEqual(ENDED);
    expect(recording.of('chain.end')[0]!.result).toBeUndefined();
  });

  it('fails when the stream is aborted unread', async () => {
    const { work, types, recording } = await startWork();
    work.ask().abort('changed my mind');
    await macrotask();
    expect(types()).toEqual(FAILED);
    expect(recording.of('chain.error')).toMatchObject([
      { aborted: true, error: { name: 'AbortError', cause: 'changed my mind' } },
    ]);
  });

  it('fails with the error of the stream', async () => {
    const { work, recording } = await startWork(new Error('down'));
    const error = await errorOf(readAll(work.ask()));
    expect(recording.of('chain.error')[0]!.error).toBe(error);
  });

  it('fails with the error in the options of the call', async () => {
    const { work, llm, recording } = await startWork();
    const error = await errorOf(readAll(work.give(llm.stream(''))));
    expect(recording.of('chain.error')[0]!.error).toBe(error);
    await work.give(llm.stream(''))[Symbol.asyncDispose]();
    expect(recording.of('chain.end')).toHaveLength(1);
  });

  it('passes the error of a critical end handler to its consumer', async () => {
    const { work, callbacks, types } = await startWork();
    const refusal = new Error('no');
    callbacks.on('chain.end', async () => Promise.reject(refusal), { critical: true });
    const stream = work.ask();
    expect(await errorOf(readAll(stream))).toBe(refusal);
    expect(await errorOf(stream.response)).toBe(refusal);
    expect(types().at(-1)).toBe('chain.end');
  });

  it('aborts the stream when a critical start handler throws too late to stop the method', async () => {
    const { work, callbacks, types, recording } = await startWork();
    const refusal = new Error('no');
    callbacks.on('chain.start', async () => Promise.reject(refusal), { critical: true });
    const error = await errorOf(readAll(work.ask()));
    expect(error).toBe(refusal);
    await macrotask();
    expect(types().filter((type) => type.startsWith('chain'))).toEqual(FAILED);
    expect(recording.of('chain.error')[0]!.error).toBe(refusal);
  });

  it('created by another chain ends after that chain', async () => {
    const { work, callbacks, recording } = await startWork();
    const stream = await callbacks.chain('outer', 0, () => work.ask());
    await readAll(stream);
    expect(recording.of('chain.end').map(({ chainName }) => chainName)).toEqual([
      'Work.ask',
      'outer',
    ]);
  });
});
