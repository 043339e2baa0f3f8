import { afterEach, describe, expect, it } from '@jest/globals';
import { CallbackAbort, OnLlmStreamChunk } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';
import { logs } from '../support/logs.js';

afterEach(closeApps);

/** Streams two chunks past a hook whose first call rejects; `order` puts it before or behind one that is fine. */
async function streamPast(error: Error, order: number) {
  let heard = 0;
  class Failing {
    @OnLlmStreamChunk({ order }) async chunk() {
      await new Promise(setImmediate);
      if (heard++ === 0) throw error;
    }
  }
  class Fine {
    @OnLlmStreamChunk() chunk() {}
  }
  const { llm } = await startApp({ providers: [Failing, Fine] }, { answers: ['a b'] });
  let text = '';
  for await (const chunk of llm.stream('hi')) if (chunk.type === 'text') text += chunk.text;
  return { text, heard };
}

describe.each([
  ['first', -1],
  ['last', 1],
])('An asynchronous handler of chunks that rejects, told %s', (_place, order) => {
  it('is reported, and the stream goes on', async () => {
    await expect(streamPast(new Error('late'), order)).resolves.toEqual({ text: 'a b', heard: 2 });
    expect(logs.map(({ message }) => message)).toEqual(['Failing.chunk failed on llm.chunk: late']);
  });

  it('ends the stream with a CallbackAbort', async () => {
    const stop = new CallbackAbort('stop');
    await expect(streamPast(stop, order)).rejects.toBe(stop);
  });
});
