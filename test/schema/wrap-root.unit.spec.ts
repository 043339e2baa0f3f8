import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { compileSchema } from '../../src/schema/compile-schema.js';
import { isStrict } from '../../src/schema/strict.js';
import { toAnswerSchema } from '../../src/schema/answer-schema.js';
import type { JsonSchema } from '../../src/schema/schema.js';

const answerSchema = (schema: JsonSchema) => toAnswerSchema(compileSchema(schema, 'the test'));

describe('A schema whose root is not an object', () => {
  it.each<[string, JsonSchema, unknown, unknown]>([
    ['a list', { type: 'array', items: { type: 'string' } }, ['fern', 'moss'], [1]],
    ['a text', { type: 'string' }, 'fern', 1],
    ['a number', { type: 'number' }, 0, 'fern'],
    ['a boolean', { type: 'boolean' }, false, 0],
    ['nothing', { type: 'null' }, null, 0],
    ['an enum', { enum: ['fern', 'moss'] }, 'moss', 'oak'],
    ['a constant', { const: 7 }, 7, 8],
    ['one of several types', { type: ['string', 'null'] }, null, 7],
    [
      'a choice between objects',
      {
        anyOf: [
          { type: 'object', properties: { fern: { type: 'string' } }, required: ['fern'] },
          { type: 'object', properties: { moss: { type: 'string' } }, required: ['moss'] },
        ],
      },
      { moss: 'green' },
      { oak: 'green' },
    ],
    ['an object that is a choice', { type: 'object', oneOf: [{ required: ['a'] }] }, { a: 1 }, {}],
    [
      'a reference',
      { $ref: '#/$defs/bed', $defs: { bed: { type: 'object', required: ['plants'] } } },
      { plants: 3 },
      {},
    ],
  ])('that describes %s is wrapped', (_what, schema, value, unfit) => {
    const { jsonSchema, isWrapped, validate } = answerSchema(schema);
    expect(isWrapped).toBe(true);
    expect(jsonSchema).toMatchObject({
      type: 'object',
      required: ['value'],
      additionalProperties: false,
    });
    const fits = new Ajv2020({ strict: false }).compile(jsonSchema);
    expect([fits({ value }), fits({ value: unfit }), fits(value)]).toEqual([true, false, false]);
    expect(validate({ value })).toEqual({ value });
    expect(validate(value)).toEqual({ value });
    expect(validate({ value: unfit })).toEqual({ issues: expect.stringMatching(/^in "value": /) });
    expect(validate(unfit)).toEqual({
      issues: expect.stringMatching(/^must be an object with the property "value"; /),
    });
  });

  it('keeps its definitions at the root, and its references point to the same parts', () => {
    const schema: JsonSchema = {
      $defs: { leaf: { type: 'string' }, twig: { type: 'array', items: { $ref: '#/$defs/leaf' } } },
      anyOf: [
        { $ref: '#/$defs/twig' },
        { type: 'array', items: { $ref: '#' } },
        { type: 'object', properties: { same: { $ref: '#/anyOf/0' } }, required: ['same'] },
      ],
    };
    const { jsonSchema } = answerSchema(schema);
    expect(jsonSchema).toEqual({
      $defs: schema['$defs'],
      type: 'object',
      properties: {
        value: {
          anyOf: [
            { $ref: '#/$defs/twig' },
            { type: 'array', items: { $ref: '#/properties/value' } },
            {
              type: 'object',
              properties: { same: { $ref: '#/properties/value/anyOf/0' } },
              required: ['same'],
            },
          ],
        },
      },
      required: ['value'],
      additionalProperties: false,
    });
    const ajv = new Ajv2020({ strict: false });
    const [plain, wrapped] = [ajv.compile(schema), ajv.compile(jsonSchema)];
    const values = [['a'], [['a'], [['b']]], { same: ['a'] }, { same: [[]] }, [1], 'a', {}, [[{}]]];
    for (const value of values) expect(wrapped({ value })).toBe(plain(value));
    expect(values.map((value) => plain(value))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('keeps definitions of older drafts and anchors, and does not treat data as references', () => {
    const { jsonSchema } = answerSchema({
      $id: 'https://example.org/list',
      definitions: { leaf: { $anchor: 'leaf', type: 'string' } },
      type: 'array',
      items: {
        anyOf: [{ $ref: '#leaf' }, { $ref: '#/definitions/leaf' }, { const: { $ref: '#' } }],
      },
      unevaluatedItems: { $ref: '#' },
    });
    expect(jsonSchema).toMatchObject({
      $id: 'https://example.org/list',
      definitions: { leaf: { $anchor: 'leaf', type: 'string' } },
      properties: {
        value: {
          type: 'array',
          items: {
            anyOf: [{ $ref: '#leaf' }, { $ref: '#/definitions/leaf' }, { const: { $ref: '#' } }],
          },
          unevaluatedItems: { $ref: '#/properties/value' },
        },
      },
    });
  });

  it('stays as strict as before', () => {
    const strict = { type: 'array', items: { type: 'string' } };
    const open = { type: 'array', items: { type: 'object' } };
    expect([strict, open].map((one) => isStrict(answerSchema(one).jsonSchema))).toEqual([
      true,
      false,
    ]);
  });

  it('accepts a value that has a property with the name of the wrapper', () => {
    const { validate } = answerSchema({
      anyOf: [
        { type: 'object', properties: { value: { type: 'number' } }, required: ['value'] },
        { type: 'null' },
      ],
    });
    expect(validate({ value: 7 })).toEqual({ value: { value: 7 } });
    expect(validate({ value: { value: 7 } })).toEqual({ value: { value: 7 } });
    expect(validate({ value: null })).toEqual({ value: null });
  });
});

describe('A schema whose root is an object', () => {
  it('is not changed', () => {
    const schema = { type: 'object', properties: { value: { type: 'string' } } };
    const compiled = compileSchema(schema, 'the test');
    const { jsonSchema, validate, isWrapped } = toAnswerSchema(compiled);
    expect(jsonSchema).toBe(compiled.jsonSchema);
    expect(validate).toBe(compiled.validate);
    expect(isWrapped).toBe(false);
  });
});
