import { describe, expect, it, jest } from '@jest/globals';
import {
  CallbacksConfigurationError,
  CallbacksModule,
  getLlmToken,
  LlmService,
  type LlmOptions,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { ask, Bench, errorOf, HELLO, METHODS, says, useBench } from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';
import { responses } from '../../support/wire/responses.js';
import { bare, mockClient, type Create } from '../../support/wire/sdk-mocks.js';
import { newOpenAi } from '../../support/wire/sdk-clients.js';

const HELLO_ANSWER = { text: 'Hello, world', usage: { totalTokens: 1_500 } };

describe('llm.api', () => {
  describe('of a ready client', () => {
    const bench = useBench(openai, {
      llm: (origin) => ({ client: newOpenAi(origin) }),
      imports: (origin) => [
        CallbacksModule.forFeature({ name: 'thinker', llm: responses.client(origin) }),
      ],
    });

    it.each(METHODS)(
      'is chat completions unless a client is configured otherwise, by %s',
      async (method) => {
        const thinker = bench.app.get<LlmService>(getLlmToken('thinker'), { strict: false });
        bench.server.answers(says(openai, method, HELLO), says(responses, method, HELLO));
        await ask(bench.llm, method);
        expect(await ask(thinker, method)).toMatchObject({ provider: 'openai', ...HELLO_ANSWER });
        expect(bench.server.exchanges.map(({ path }) => path)).toEqual([
          '/v1/chat/completions',
          '/v1/responses',
        ]);
      },
    );
  });

  it.each([openai, responses])('of a mock needs only the method of $name', async (wire) => {
    const create = jest.fn<Create>().mockReturnValue(bare(wire, 'Hello'));
    const bench = new Bench(wire, { llm: { client: mockClient(wire, create) } });
    await bench.open();
    expect((await bench.llm.generate('Hi')).text).toBe('Hello');
    await bench.close();

    const other = wire === openai ? responses : openai;
    const wrong = new Bench(wire, { llm: { client: mockClient(other, create) } });
    const error = await errorOf(wrong.open());
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    const method = wire === openai ? 'chat.completions.create()' : 'responses.create()';
    expect(error.message).toContain(method);
    await wrong.server.close();
  });

  it.each<[string, Partial<LlmOptions>, string]>([
    ['is none of the two', { api: 'completions' as never }, "'chat' or 'responses'"],
    ['is given to another provider', { provider: 'anthropic', api: 'chat' }, 'llm.api'],
    ['is given to an own provider', { provider: new FakeLlm([]), api: 'chat' }, 'llm.api'],
  ])('that %s is rejected at start-up', async (_what, llm, words) => {
    const bench = new Bench(openai, { llm });
    const error = await errorOf(bench.open());
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect(error.message).toContain(words);
    await bench.server.close();
  });
});
