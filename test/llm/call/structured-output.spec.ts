import { describe, expect, it } from '@jest/globals';
import {
  LlmAbortedError,
  LlmInvalidRequestError,
  SchemaValidationError,
  type Schema,
} from 'nestjs-llm-callbacks';
import { BAD, CITY, GOOD, PLAIN_CITY, TOKYO } from '../../support/city.js';
import {
  ask,
  costOf,
  errorOf,
  json,
  METHODS,
  readAll,
  says,
  silence,
  useBench,
  WIRES,
} from '../../support/wire/index.js';

const USAGE = { input: 1_000, output: 500 };

const SCHEMAS: [string, Schema<{ name: string; people: number }>][] = [
  ['zod', CITY],
  ['plain JSON Schema', PLAIN_CITY],
];

describe.each(WIRES)('A schema at $name', (wire) => {
  const bench = useBench(wire, { llm: { maxRetries: 1 } });

  describe.each(SCHEMAS)('by %s', (_name, schema) => {
    it.each(METHODS)('returns a validated object, by %s', async (method) => {
      bench.server.answers(says(wire, method, { text: GOOD, usage: USAGE }));
      const { object, text, attempts } = await ask(bench.llm, method, 'Hi', { schema });
      expect(object).toEqual(TOKYO);
      expect(text).toBe(GOOD);
      expect(attempts).toHaveLength(1);
      expect(bench.recording.of('llm.end')).toMatchObject([{ response: { object: TOKYO } }]);
    });

    it.each(METHODS)('is on the start event of the call, by %s', async (method) => {
      bench.server.answers(says(wire, method, { text: GOOD }));
      await ask(bench.llm, method, 'Hi', { schema });
      const [start] = bench.recording.of('llm.start');
      expect(start!.parameters).toEqual({ schema: PLAIN_CITY });
    });

    it('lets the model repair its answer, in the same run', async () => {
      bench.server.answers(
        json(wire.answer({ text: BAD, usage: USAGE })),
        json(wire.answer({ text: GOOD, usage: USAGE })),
      );
      const response = await bench.llm.generate('Hi', { schema });

      expect(response.object).toEqual(TOKYO);
      expect(bench.recording.tree()).toMatchObject([{ events: ['llm.start', 'llm.end'] }]);
      expect(response.usage).toMatchObject({ inputTokens: 2_000, outputTokens: 1_000 });
      expect(response.cost).toBeCloseTo(costOf(wire, response.usage), 12);
      expect(response.attempts).toMatchObject([
        {
          model: wire.model,
          error: expect.any(SchemaValidationError),
          usage: { totalTokens: 1_500 },
        },
        { model: wire.model, usage: { totalTokens: 1_500 } },
      ]);
      expect(response.attempts[1]).not.toHaveProperty('error');
      expect(bench.costs).toMatchObject({ requestCount: 1, totalTokens: 3_000 });
    });
  });

  it('sends the validation errors to the model', async () => {
    bench.server.answers(json(wire.answer({ text: BAD })), json(wire.answer({ text: GOOD })));
    await bench.llm.generate('Which city?', { schema: CITY });
    const { body } = await bench.server.exchange(1);
    const sent = JSON.stringify(body['messages'] ?? body['input']);
    expect(sent).toContain('Which city?');
    expect(sent).toContain(JSON.stringify(BAD).slice(1, -1));
    expect(sent).toMatch(/Your answer does not fit: people: /);
  });

  it.each([
    ['no JSON', 'The largest city is Tokyo.'],
    ['not all JSON', `Here it is: ${GOOD}`],
    ['unfit', BAD],
  ])('fails when the answer is %s twice', async (_name, text) => {
    bench.server.answers(
      json(wire.answer({ text, usage: USAGE })),
      json(wire.answer({ text, usage: USAGE })),
    );
    const error = await errorOf(bench.llm.generate('Hi', { schema: CITY }));

    expect(error).toBeInstanceOf(SchemaValidationError);
    expect(error).toMatchObject({ code: 'schema_validation', retryable: true, text });
    expect(error['issues']).not.toBe('');
    expect(error.message).not.toContain('Tokyo');
    expect(JSON.stringify(error)).not.toContain('Tokyo');
    expect(bench.recording.tree()).toMatchObject([{ events: ['llm.start', 'llm.error'] }]);
    const [event] = bench.recording.of('llm.error');
    expect(event).toMatchObject({
      error,
      text,
      aborted: false,
      usage: { inputTokens: 2_000, outputTokens: 1_000 },
      attempts: [{ error: expect.any(SchemaValidationError) }, { error }],
    });
    expect(event!.cost).toBeCloseTo(costOf(wire, event!.usage), 12);
  });

  it.each(METHODS)('does not change an answer with tool calls, by %s', async (method) => {
    const toolCalls = [{ id: 'call_1', name: 'lookup', argsText: '{"q":1}' }];
    bench.server.answers(says(wire, method, { toolCalls }));
    const tools = [{ name: 'lookup' }];
    const response = await ask(bench.llm, method, 'Hi', { schema: CITY, tools });
    expect(response).toMatchObject({ finishReason: 'tool-calls', toolCalls: [{ args: { q: 1 } }] });
    expect(response).not.toHaveProperty('object');
    expect(bench.server.exchanges).toHaveLength(1);
  });

  it.each([
    ['length', 'SchemaValidationError', { text: '{"name":"To' }, /raise maxOutputTokens/],
    ['content-filter', 'LlmContentFilterError', {}, /refused to answer/],
  ] as const)(
    'sends no second request after the finish reason %s',
    async (finish, name, more, message) => {
      bench.server.answers(json(wire.answer({ text: '{"name":"To', finish, usage: USAGE })));
      const error = await errorOf(bench.llm.generate('Hi', { schema: CITY }));
      expect(error).toMatchObject({ name, retryable: false, ...more });
      expect(error.message).toMatch(message);
      expect(bench.server.exchanges).toHaveLength(1);
      expect(bench.recording.of('llm.error')).toMatchObject([
        { usage: { totalTokens: 1_500 }, attempts: [{ error, usage: { totalTokens: 1_500 } }] },
      ]);
    },
  );

  it('counts the cost of the first attempt when the second one fails', async () => {
    bench.server.answers(
      json(wire.answer({ text: BAD, usage: USAGE })),
      json(wire.error({ type: 'invalid_request_error' }), 400),
    );
    const error = await errorOf(bench.llm.generate('Hi', { schema: CITY }));
    expect(error).toBeInstanceOf(LlmInvalidRequestError);
    const [event] = bench.recording.of('llm.error');
    expect(event).toMatchObject({
      usage: { totalTokens: 1_500 },
      attempts: [{ usage: { totalTokens: 1_500 } }, { error }],
    });
    expect(event!.cost).toBeCloseTo(costOf(wire, event!.usage), 12);
  });

  it('separates the retries of its second attempt from the first answer', async () => {
    bench.server.answers(
      json(wire.answer({ text: BAD, usage: USAGE })),
      json(wire.error({ type: 'api_error' }), 500, { 'retry-after-ms': '1' }),
      json(wire.answer({ text: GOOD, usage: USAGE })),
    );
    const { attempts } = await bench.llm.generate('Hi', { schema: CITY });
    expect(attempts.map(({ usage }) => usage?.totalTokens)).toEqual([1_500, undefined, 1_500]);
    expect(bench.recording.of('llm.retry')).toMatchObject([{ attempt: 1 }]);
  });

  it('stops its second attempt on a signal', async () => {
    bench.server.answers(json(wire.answer({ text: BAD, usage: USAGE })), silence);
    const caller = new AbortController();
    const { signal } = caller;
    const failing = errorOf(bench.llm.generate('Hi', { schema: CITY, signal }));
    const second = await bench.server.exchange(1);
    caller.abort();
    const error = await failing;
    expect(error).toBeInstanceOf(LlmAbortedError);
    expect(await second.aborted).toBe(true);
    expect(bench.recording.of('llm.error')).toMatchObject([
      {
        error,
        usage: { totalTokens: 1_500 },
        attempts: [{ usage: { totalTokens: 1_500 } }, { error }],
      },
    ]);
  });

  it('fails a stream that does not match, without a repair', async () => {
    bench.server.answers(says(wire, 'stream', { text: BAD, usage: USAGE }));
    const stream = bench.llm.stream('Hi', { schema: CITY });
    const error = await errorOf(readAll(stream));
    expect(error).toBeInstanceOf(SchemaValidationError);
    expect(await errorOf(stream.response)).toBe(error);
    expect(bench.server.exchanges).toHaveLength(1);
    const [event] = bench.recording.of('llm.error');
    expect(event).toMatchObject({ error, text: BAD, usage: { totalTokens: 1_500 } });
    expect(event!.cost).toBeCloseTo(costOf(wire, event!.usage), 12);
  });

  it('lets a stream be read as partial objects', async () => {
    bench.server.answers(says(wire, 'stream', { text: GOOD }));
    const stream = bench.llm.stream('Hi', { schema: CITY });
    expect((await readAll(stream.partialObjects)).at(-1)).toEqual(TOKYO);
    expect((await stream.response).object).toEqual(TOKYO);
    expect(bench.recording.of('llm.end')).toMatchObject([{ response: { object: TOKYO } }]);
  });
});
