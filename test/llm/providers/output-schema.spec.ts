import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import type { LlmCallOptions, Schema } from 'nestjs-llm-callbacks';
import { anthropic } from '../../support/wire/anthropic.js';
import { json, useBench } from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

const text = { type: 'string' };
const closed = (properties: Record<string, object>) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

describe('A schema in a chat completion', () => {
  const bench = useBench(openai);

  async function sent(schema: Schema, options: LlmCallOptions = {}) {
    bench.server.answers(json(openai.answer({ text: '{"a":"x"}' })));
    await bench.llm.generate('Hi', { schema, ...options });
    return (await bench.server.exchange(0)).body['response_format'];
  }

  it('is sent unchanged, in strict mode', async () => {
    const schema = closed({ a: text });
    expect(await sent(schema)).toEqual({
      type: 'json_schema',
      json_schema: { name: 'answer', schema, strict: true },
    });
  });

  it('is sent without strict mode if strict mode would reject it', async () => {
    const schema = { type: 'object', properties: { a: text } };
    expect(await sent(schema)).toMatchObject({ json_schema: { schema, strict: false } });
  });

  it('is overridden by providerOptions', async () => {
    const providerOptions = { response_format: { type: 'json_object' } };
    expect(await sent(closed({ a: text }), { providerOptions })).toEqual({ type: 'json_object' });
  });
});

describe('A schema in an Anthropic message', () => {
  const bench = useBench(anthropic);

  async function sent(schema: Schema, answer: unknown = { a: 'x' }) {
    bench.server.answers(json(anthropic.answer({ text: JSON.stringify(answer) })));
    await bench.llm.generate('Hi', { schema, system: 'Be brief.' });
    return (await bench.server.exchange(0)).body as {
      system: { text: string }[];
      output_config?: { format: { schema: object } };
    };
  }

  it('is sent unchanged if the API accepts it', async () => {
    const schema = closed({ a: text });
    const { output_config, system } = await sent(schema);
    expect(output_config).toEqual({ format: { type: 'json_schema', schema } });
    expect(system).toHaveLength(1);
  });

  it('is sent with closed objects, which the API requires', async () => {
    const schema = { type: 'object', properties: { a: text, in: { type: 'object' } } };
    expect((await sent(schema)).output_config?.format.schema).toEqual({
      type: 'object',
      properties: { a: text, in: { type: 'object', additionalProperties: false } },
      additionalProperties: false,
    });
  });

  it('moves constraints that the API rejects to descriptions', async () => {
    const schema = z.object({
      a: z.string().min(1).describe('A name.'),
      n: z.int().max(9).optional(),
      when: z.iso.datetime().optional(),
      list: z.array(z.boolean()).min(1).max(2).optional(),
    });
    expect((await sent(schema)).output_config?.format.schema).toMatchObject({
      properties: {
        a: { type: 'string', description: 'A name. (minLength: 1)' },
        n: { type: 'integer', description: 'maximum: 9' },
        when: { type: 'string', format: 'date-time' },
        list: { type: 'array', minItems: 1, description: 'maxItems: 2' },
      },
    });
  });

  it('can have alternatives', async () => {
    const schema = z.discriminatedUnion('k', [
      z.object({ k: z.literal('a') }),
      z.object({ k: z.literal('b') }),
    ]);
    const { output_config } = await sent(schema, { k: 'a' });
    const anyOf = [{ properties: { k: { const: 'a' } } }, { properties: { k: { const: 'b' } } }];
    expect(output_config?.format.schema).toMatchObject({ properties: { value: { anyOf } } });
  });

  it.each<[string, Schema]>([
    ['a record', z.object({ a: z.string(), counts: z.record(z.string(), z.number()).optional() })],
    ['an open object', z.looseObject({ a: z.string() })],
    ['an intersection', { allOf: [{ type: 'object', properties: { a: text } }] }],
    ['recursion', { type: 'object', properties: { a: text, in: { $ref: '#' } } }],
    [
      'recursive definitions',
      {
        ...closed({ a: text }),
        $defs: { node: { type: 'object', properties: { in: { $ref: '#/$defs/node' } } } },
      },
    ],
  ])(
    'is sent as an instruction if the API would enforce something else: %s',
    async (_name, schema) => {
      const { output_config, system } = await sent(schema);
      expect(output_config).toBeUndefined();
      expect(system[0]!.text).toBe('Be brief.');
      expect(system[1]!.text).toMatch(
        /^Answer with JSON and nothing else\. It must fit this JSON Schema:\n\{/,
      );
    },
  );
});
