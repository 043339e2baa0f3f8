import { afterEach, describe, expect, it } from '@jest/globals';
import { CacheInterceptor, type Message } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';
import { doubled, nested } from '../support/deep.js';
import { logs } from '../support/logs.js';

afterEach(closeApps);

const PASSED = 'A request is too deep or too large for the cache, and is sent without it.';

async function start() {
  return startApp(
    {},
    { answers: ['one', 'two', 'three', 'four'], callbacks: [new CacheInterceptor()] },
  );
}

describe('CacheInterceptor', () => {
  it.each<[string, unknown]>([
    ['is too deep', nested(10_000)],
    ['doubles at each level', doubled(60)],
    ['holds a BigInt', { big: 1n }],
    [
      'throws when it is read',
      {
        toJSON() {
          throw new Error('secret');
        },
      },
    ],
  ])('does not cache a request that %s', async (_, value) => {
    const { llm, fake } = await start();
    const texts: string[] = [];
    for (const more of ['a', 'b']) {
      const { text } = await llm.generate('hi', { providerOptions: { value, more } });
      texts.push(text);
    }
    for await (const chunk of llm.stream('hi', { providerOptions: { value } }))
      if (chunk.type === 'text') texts.push(chunk.text);
    expect(texts).toEqual(['one', 'two', 'three']);
    expect(fake.requests).toHaveLength(3);
    expect(logs.map(({ message }) => message)).toEqual([PASSED, PASSED, PASSED]);
  });

  it('caches a request with a history of moderate depth', async () => {
    const { llm, fake } = await start();
    const providerData = nested(200);
    const turn: Message = { role: 'assistant', content: 'x', providerData };
    const ask = () => llm.generate([{ role: 'user', content: 'hi' }, turn]);
    expect([(await ask()).text, (await ask()).text]).toEqual(['one', 'one']);
    expect(fake.requests).toHaveLength(1);
  });
});
