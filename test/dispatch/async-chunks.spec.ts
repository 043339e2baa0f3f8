import { afterEach, describe, expect, it } from '@jest/globals';
import { CallbackAbort, OnLlmStreamChunk } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';
import { logs } from '../support/logs.js';

afterEach(closeApps);

/** Streams two chunks to a handler whose first call rejects; `order` places it before or after one that succeeds. */
async function streamPast(error: Error, order: number) {
  let received = 0;
  class Failing {
    @OnLlmStreamChunk({ order }) async chunk() {
      await new Promise(setImmediate);
      if (received++ === 0) throw error;
    }
  }
  class Fine {
    @OnLlmStreamChunk() chunk() {}
  }
  const { llm } = await startApp({ providers: [Failing, Fine] }, { answers: ['a b'] });
  let text = '';
  for await (const chunk of llm.stream('hi')) if (chunk.type === 'text') text += chunk.text;
  return { text, received };
}

describe.each([
  ['first', -1],
  ['last', 1],
])('An asynchronous chunk handler that rejects, called %s', (_place, order) => {
  it('is reported as callback.error, and the stream continues', async () => {
    await expect(streamPast(new Error('late'), order)).resolves.toEqual({
      text: 'a b',
      received: 2,
    });
    expect(logs.map(({ message }) => message)).toEqual(['Failing.chunk failed on llm.chunk: late']);
  });

  it('fails the stream when it rejects with a CallbackAbort', async () => {
    const stop = new CallbackAbort('stop');
    await expect(streamPast(stop, order)).rejects.toBe(stop);
  });
});
