import { describe, expect, it } from '@jest/globals';
import type { LlmCallOptions } from 'nestjs-llm-callbacks';
import { ask, errorOf, HELLO, METHODS, says, useBench } from '../../support/wire/index.js';
import { responses } from '../../support/wire/responses.js';

describe("The request to OpenAI's Responses API", () => {
  const bench = useBench(responses);

  async function sent(options: LlmCallOptions) {
    bench.server.answers(says(responses, 'generate', HELLO));
    await bench.llm.generate('Hi', options);
    return bench.server.exchanges.at(-1)!.body;
  }

  describe('has a schema for the answer', () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' } },
      required: ['city'],
      additionalProperties: false,
    };
    const format = { type: 'json_schema', name: 'answer', schema, strict: true };
    const answer = { text: '{"city":"Köln"}' };

    it.each(METHODS)('beside other text options, by %s', async (method) => {
      bench.server.answers(says(responses, method, answer));
      const providerOptions = { text: { verbosity: 'low' } };
      const { object } = await ask(bench.llm, method, 'Hi', { schema, providerOptions });
      expect(object).toEqual({ city: 'Köln' });
      expect(bench.server.exchanges[0]!.body['text']).toEqual({ format, verbosity: 'low' });
    });

    it('without strict mode if that is not possible', async () => {
      bench.server.answers(says(responses, 'generate', answer));
      const open = { type: 'object', properties: { city: { type: 'string' } } };
      await bench.llm.generate('Hi', { schema: open });
      expect(bench.server.exchanges[0]!.body['text']).toEqual({
        format: { ...format, schema: open, strict: false },
      });
    });
  });

  it.each(METHODS)('rejects stop sequences, which the API lacks, by %s', async (method) => {
    const error = await errorOf(ask(bench.llm, method, 'Hi', { stop: ['END'] }));
    expect(error).toMatchObject({
      name: 'LlmInvalidRequestError',
      message: expect.stringContaining('"stop"'),
    });
    expect(bench.recording.of('llm.error')).toMatchObject([{ error, cost: 0 }]);
    expect(bench.server.exchanges).toEqual([]);
  });

  it('accepts an empty list of stop sequences', async () => {
    expect(await sent({ stop: [] })).not.toHaveProperty('stop');
  });

  describe('asks for encrypted reasoning', () => {
    const include = ['reasoning.encrypted_content'];

    it.each(['o4-mini', 'gpt-5-mini', 'gpt-5.1-codex', 'openai/gpt-5', 'ft:o4-mini:acme'])(
      'when its model is %s',
      async (model) => {
        expect(await sent({ model })).toMatchObject({ include });
      },
    );

    it.each(['gpt-4o-mini', 'gpt-4.1', 'gpt-5-chat-latest', 'openai/gpt-oss-20b', 'qwen3'])(
      'never when its model is %s, which would reject it',
      async (model) => {
        expect(await sent({ model })).not.toHaveProperty('include');
      },
    );

    it('when the caller sets reasoning options, whatever the model', async () => {
      const providerOptions = { reasoning: { effort: 'low' } };
      const body = await sent({ model: 'my-deployment', providerOptions });
      expect(body).toMatchObject({ include, ...providerOptions });
    });

    it('not when the caller excludes it', async () => {
      const providerOptions = { include: undefined };
      const body = await sent({ model: 'gpt-5-mini', providerOptions });
      expect(body).not.toHaveProperty('include');
    });
  });
});
