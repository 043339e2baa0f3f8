import { afterAll, describe, expect, it } from '@jest/globals';
import { CallbacksModule, getLlmToken, LlmService } from 'nestjs-llm-callbacks';
import {
  ask,
  cutStream,
  errorOf,
  events,
  HELLO,
  json,
  METHODS,
  readOne,
  says,
  stalled,
  useBench,
} from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

const delta = (of: object, rest: object = {}) =>
  `data: ${JSON.stringify({ id: '1', model: 'qwen3', choices: [{ index: 0, delta: of }], ...rest })}\n\n`;

describe('A server with an OpenAI-compatible API', () => {
  describe('without a key', () => {
    const { OPENAI_API_KEY: key } = process.env;
    const bench = useBench(openai, {
      llm: (origin) => {
        delete process.env['OPENAI_API_KEY'];
        return {
          apiKey: undefined as never,
          baseURL: `${origin}/v1`,
          label: 'ollama',
          model: 'qwen3',
        };
      },
    });
    afterAll(() => {
      if (key !== undefined) process.env['OPENAI_API_KEY'] = key;
    });

    it.each(METHODS)('answers with its own label, by %s', async (method) => {
      bench.server.answers(says(openai, method, HELLO));
      const response = await ask(bench.llm, method, 'Hi', { maxOutputTokens: 9 });
      expect(response).toMatchObject({
        provider: 'ollama',
        cost: null,
        attempts: [{ provider: 'ollama' }],
      });
      expect(bench.recording.of('llm.start')[0]).toMatchObject({
        provider: 'ollama',
        model: 'qwen3',
      });
      expect(bench.costs).toMatchObject({ totalCost: 0, unpricedCount: 1, totalTokens: 1_500 });
      expect(bench.server.exchanges[0]!.path).toBe('/v1/chat/completions');
      expect(bench.server.exchanges[0]!.body).toMatchObject({ model: 'qwen3', max_tokens: 9 });
    });

    it('is named in errors', async () => {
      bench.server.answers(json(openai.error({ type: 'server_error' }), 500));
      expect((await errorOf(bench.llm.generate('Hi'))).message).toContain('ollama');
    });

    it.each(['reasoning_content', 'reasoning'])('can send reasoning in %s', async (field) => {
      bench.server.answers(
        events(
          delta({ role: 'assistant', content: null, [field]: 'Hm' }),
          delta({ content: '', [field]: ' …' }),
          delta({ content: 'Hello', [field]: null }),
          delta({}, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
        ),
      );
      const { text, message } = await ask(bench.llm, 'stream');
      expect(bench.recording.of('llm.chunk').map(({ chunk }) => chunk)).toEqual([
        { type: 'reasoning', text: 'Hm' },
        { type: 'reasoning', text: ' …' },
        { type: 'text', text: 'Hello' },
      ]);
      expect({ text, message }).toMatchObject({
        text: 'Hello',
        message: { role: 'assistant', content: 'Hello' },
      });
    });

    it('can report usage as it streams, which a cancelled answer is charged', async () => {
      const usage = { prompt_tokens: 7, completion_tokens: 1 };
      bench.server.answers(stalled(delta({ content: 'Hello' }, { usage })));
      const stream = bench.llm.stream('Hi');
      for await (const chunk of stream) {
        expect(chunk).toEqual({ type: 'text', text: 'Hello' });
        break;
      }
      expect((await stream.response).usage).toMatchObject({
        inputTokens: 7,
        outputTokens: 1,
        source: 'provider',
      });
    });

    it('can answer an error with status 200', async () => {
      bench.server.answers(
        json(openai.error({ type: 'invalid_request_error', code: 'context_length_exceeded' })),
      );
      expect(await errorOf(bench.llm.generate('Hi'))).toMatchObject({
        name: 'LlmContextLengthError',
      });
    });

    it('can omit optional fields', async () => {
      bench.server.answers(
        json({ choices: [{ message: { content: 'Hello' } }] }),
        events('data: {"choices":[{"delta":{"content":"Hello"},"finish_reason":"stop"}]}\n\n'),
      );
      for (const method of METHODS) {
        const { id, model, text, usage } = await ask(bench.llm, method);
        expect({ id, model, text, source: usage.source }).toEqual({
          id: '',
          model: 'qwen3',
          text: 'Hello',
          source: 'estimated',
        });
      }
    });
  });

  describe('named after a provider of the price list', () => {
    const bench = useBench(openai, { llm: { label: 'groq', model: 'router' } });
    const answeredBy = (model: string) => openai.text('Hello').replace(openai.model, model);

    it('is priced by the model that answers, also when the answer is cut short', async () => {
      const model = 'llama-3.3-70b-versatile';
      bench.server.answers(cutStream(answeredBy(model)), stalled(answeredBy(model)));
      await errorOf(ask(bench.llm, 'stream'));
      const stream = bench.llm.stream('Hi');
      await readOne(stream);
      const response = await stream.response;
      expect(response).toMatchObject({ model, finishReason: 'cancelled' });
      const [event] = bench.recording.of('llm.error');
      expect(event!.cost).toBe(response.cost);
      expect(response.cost).toBeCloseTo(
        (response.usage.inputTokens * 0.59 + response.usage.outputTokens * 0.79) / 1e6,
        12,
      );
    });
  });

  describe('beside openai itself', () => {
    const bench = useBench(openai, {
      llm: { defaultHeaders: { 'x-team': 'support' } },
      imports: () => [
        CallbacksModule.forFeature({
          name: 'local',
          llm: { baseURL: 'http://127.0.0.1:9/v1', apiKey: 'local' },
        }),
      ],
    });

    it('is a separate client, and neither receives the API key of the other', async () => {
      bench.server.answers(says(openai, 'generate', HELLO));
      const local = bench.app.get<LlmService>(getLlmToken('local'), { strict: false });
      expect(await errorOf(local.generate('Hi'))).toMatchObject({ name: 'LlmConnectionError' });
      await bench.llm.generate('Hi');
      expect(bench.server.exchanges.map(({ headers }) => headers)).toMatchObject([
        { authorization: 'Bearer test', 'x-team': 'support' },
      ]);
    });
  });
});
