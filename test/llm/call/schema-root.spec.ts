import { describe, expect, it } from '@jest/globals';
import { AgentService, type LlmRequest } from 'nestjs-llm-callbacks';
import { z } from 'zod';
import {
  ask,
  errorOf,
  json,
  METHODS,
  readAll,
  says,
  useBench,
  WIRES,
} from '../../support/wire/index.js';

const LIST = { type: 'array', items: { type: 'string' } };
const WRAPPED = {
  type: 'object',
  properties: { value: LIST },
  required: ['value'],
  additionalProperties: false,
};

type Body = Record<string, unknown>;

/** The schema in a request, by wire. */
const SENT: Record<string, (body: Body) => unknown> = {
  openai: (body) =>
    (body as { response_format: { json_schema: Body } }).response_format.json_schema['schema'],
  anthropic: (body) => (body as { output_config: { format: Body } }).output_config.format['schema'],
  responses: (body) => (body as { text: { format: Body } }).text.format['schema'],
};

describe.each(WIRES)('A schema whose root is a list, at $name', (wire) => {
  const bench = useBench(wire);

  it.each(METHODS)(
    'is sent wrapped in an object, and the answer is the list, by %s',
    async (method) => {
      bench.server.answers(says(wire, method, { text: '{"value":["fern","moss"]}' }));
      const response = await ask(bench.llm, method, 'Hi', { schema: LIST });
      expect(response.object).toEqual(['fern', 'moss']);
      expect(SENT[wire.name]!(bench.server.exchanges[0]!.body)).toEqual(WRAPPED);
      const [start] = bench.recording.of('llm.start');
      expect((start!.parameters as Partial<LlmRequest>).schema).toEqual(WRAPPED);
    },
  );

  it.each(METHODS)('accepts the list alone as answer, by %s', async (method) => {
    bench.server.answers(says(wire, method, { text: '["fern","moss"]' }));
    const { object } = await ask(bench.llm, method, 'Hi', { schema: z.array(z.string()) });
    expect(object).toEqual(['fern', 'moss']);
    expect(bench.server.exchanges).toHaveLength(1);
  });

  it('is sent in its wrapped form with the repair request', async () => {
    bench.server.answers(
      json(wire.answer({ text: '{"value":["fern",7]}' })),
      json(wire.answer({ text: '{"value":["fern"]}' })),
    );
    expect((await bench.llm.generate('Hi', { schema: LIST })).object).toEqual(['fern']);
    const sent = JSON.stringify(bench.server.exchanges[1]!.body);
    expect(sent).toContain(JSON.stringify(JSON.stringify(WRAPPED)).slice(1, -1));
    expect(sent).toContain(JSON.stringify('in "value": [1]: must be string').slice(1, -1));
  });

  it('yields a growing list', async () => {
    bench.server.answers(says(wire, 'stream', { text: '{"value":["fern","moss"]}' }));
    const stream = bench.llm.stream('Hi', { schema: z.array(z.string()) });
    const states = await readAll(stream.partialObjects);
    expect(states.at(-1)).toEqual(['fern', 'moss']);
    expect(states.every((state) => Array.isArray(state))).toBe(true);
    expect((await stream.response).object).toEqual(['fern', 'moss']);
  });

  it('applies to the answer of an agent', async () => {
    bench.server.answers(json(wire.answer({ text: '{"value":["fern"]}' })));
    const { object } = await bench.app.get(AgentService).run('Hi', { schema: LIST });
    expect(object).toEqual(['fern']);
  });

  it('fails like any other schema when the answer does not match', async () => {
    bench.server.answers(
      json(wire.answer({ text: '{"value":7}' })),
      json(wire.answer({ text: '{"items":[]}' })),
    );
    expect(await errorOf(bench.llm.generate('Hi', { schema: LIST }))).toMatchObject({
      name: 'SchemaValidationError',
      issues: expect.stringContaining('must be an object with the property "value"'),
    });
  });
});
