import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import {
  CallbacksConfigurationError,
  type Schema,
  type StandardSchemaV1,
} from 'nestjs-llm-callbacks';
import { compileSchema, SchemaCache } from '../../src/schema/compile-schema.js';

const PLACE = 'the tool "refund"';

const PLAIN_ORDER = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    id: { type: 'string' },
    items: { type: 'array', items: { type: 'object', properties: { count: { type: 'integer' } } } },
  },
  required: ['id'],
} as const;

const ZOD_ORDER = z.object({
  id: z.string(),
  items: z.array(z.object({ count: z.int() })).optional(),
});

const SCHEMAS: [string, Schema][] = [
  ['zod', ZOD_ORDER],
  ['plain JSON Schema', PLAIN_ORDER],
];

/** A schema of an unknown library. */
function standard(
  validate: StandardSchemaV1['~standard']['validate'],
  written: Record<string, unknown> = { type: 'object' },
): StandardSchemaV1 {
  const jsonSchema = { input: () => written };
  return { '~standard': { version: 1, vendor: 'test', validate, jsonSchema } };
}

describe.each(SCHEMAS)('A schema by %s', (_name, schema) => {
  const compiled = compileSchema(schema, PLACE);

  it('returns a matching value', async () => {
    const value = { id: 'A1', items: [{ count: 2 }] };
    expect(await compiled.validate(value)).toEqual({ value });
  });

  it('reports where a value does not match, without quoting it', async () => {
    const result = await compiled.validate({
      id: 4711,
      items: [{ count: 1 }, { count: 'secret' }],
    });
    expect(result).toEqual({
      issues: expect.stringMatching(/^id: .*string.*; items\[1\]\.count: .*(integer|number|int)/),
    });
    expect(JSON.stringify(result)).not.toMatch(/secret|4711/);
  });

  it.each([undefined, null, 'text', 7, [], () => 1, Symbol('s')])('rejects %p', async (value) => {
    expect(await compiled.validate(value)).toEqual({ issues: expect.any(String) });
  });

  it('does not modify the value', async () => {
    const value = Object.freeze({ id: 'A1', extra: Object.freeze([1]) });
    await compiled.validate(value);
    expect(value).toEqual({ id: 'A1', extra: [1] });
  });

  it('does not accept inherited properties', async () => {
    await compiled.validate(
      JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":2},"id":"A1"}'),
    );
    expect('polluted' in {}).toBe(false);
  });

  it('shortens the message for very many issues', async () => {
    const items = Array.from({ length: 200_000 }, () => ({ count: 'no' }));
    const result = await compiled.validate({ id: 'A1', items });
    expect(JSON.stringify(result).length).toBeLessThan(1_500);
  });

  it('is sent without the name of its dialect', () => {
    expect(compiled.jsonSchema).toMatchObject({ type: 'object', required: ['id'] });
    expect(compiled.jsonSchema).not.toHaveProperty('$schema');
  });
});

describe('A schema of a library', () => {
  it('returns the value after transforms and defaults, and is sent in its input form', async () => {
    const schema = z.object({
      at: z.iso.datetime().transform((text) => new Date(text)),
      size: z.number().default(3),
    });
    const { jsonSchema, validate } = compileSchema(schema, PLACE);
    expect(jsonSchema).toMatchObject({ properties: { at: { type: 'string' } }, required: ['at'] });
    expect(await validate({ at: '2026-01-02T03:04:05Z' })).toEqual({
      value: { at: new Date('2026-01-02T03:04:05Z'), size: 3 },
    });
  });

  it('is sent with closed objects, so that providers can use strict mode', () => {
    const schema = z.object({ list: z.array(z.object({ a: z.string() })) });
    expect(compileSchema(schema, PLACE).jsonSchema).toMatchObject({
      additionalProperties: false,
      properties: { list: { items: { additionalProperties: false } } },
    });
  });

  it.each<[string, Schema]>([
    ['open objects', z.object({ any: z.looseObject({ a: z.string() }) })],
    ['records', z.object({ any: z.record(z.string(), z.number()) })],
  ])('keeps %s open', (_name, schema) => {
    expect(compileSchema(schema, PLACE).jsonSchema).not.toMatchObject({
      properties: { any: { additionalProperties: false } },
    });
  });

  it('stays open if it is an intersection, because closed parts would exclude each other', () => {
    const part = (name: string) => ({ type: 'object', properties: { [name]: { type: 'string' } } });
    const allOf = [part('a'), part('b')];
    const { jsonSchema } = compileSchema(
      standard((value) => ({ value }), { allOf }),
      PLACE,
    );
    expect(jsonSchema).toEqual({ allOf });
  });

  it('can validate asynchronously', async () => {
    const schema = z.object({ id: z.string().refine(async (id) => id !== 'taken', 'is taken') });
    const { validate } = compileSchema(schema, PLACE);
    expect(await validate({ id: 'taken' })).toEqual({ issues: 'id: is taken' });
    expect(await validate({ id: 'free' })).toEqual({ value: { id: 'free' } });
  });

  it('whose validation throws rejects the value', async () => {
    const { validate } = compileSchema(
      standard(() => {
        throw new Error('secret');
      }),
      PLACE,
    );
    expect(await validate({})).toEqual({
      issues: 'the value could not be checked: a rule of the schema threw',
    });
  });

  it('whose validation rejects its promise rejects the value', async () => {
    const { validate } = compileSchema(
      standard(() => Promise.reject(new Error('secret'))),
      PLACE,
    );
    expect(await validate({})).toEqual({ issues: expect.not.stringContaining('secret') });
  });

  it('can be a function, as in some libraries', async () => {
    const schema = Object.assign(
      () => undefined,
      standard((value) => ({ value })),
    );
    expect(await compileSchema(schema, PLACE).validate(1)).toEqual({ value: 1 });
  });

  it('quotes unusual keys of a path unambiguously', async () => {
    const path = ['a b', { key: 'c' }, 0, '\n'];
    const { validate } = compileSchema(
      standard(() => ({ issues: [{ message: 'no', path }] })),
      PLACE,
    );
    expect(await validate({})).toEqual({ issues: String.raw`["a b"].c[0]["\n"]: no` });
  });

  it.each<[string, Schema]>([
    ['a date', z.object({ at: z.date() })],
    ['a function', z.object({ at: z.custom(() => true) })],
    ['a BigInt', z.object({ at: z.bigint() })],
  ])('is rejected with %s in it', (_name, schema) => {
    expect(() => compileSchema(schema, PLACE)).toThrow(CallbacksConfigurationError);
    expect(() => compileSchema(schema, PLACE)).toThrow(
      /the tool "refund" cannot be written as JSON Schema/,
    );
  });

  it('is rejected when its library cannot output JSON Schema', () => {
    const schema: StandardSchemaV1 = {
      '~standard': { version: 1, vendor: 'old', validate: (value) => ({ value }) },
    };
    expect(() => compileSchema(schema, PLACE)).toThrow(/"old"\): use a library that supports/);
  });
});

describe('A plain JSON Schema', () => {
  it.each<[string, object]>([
    ['a type that does not exist', { type: 'strin' }],
    ['properties that are no object', { type: 'object', properties: 5 }],
    ['a pattern that is none', { type: 'string', pattern: '(' }],
    ['a reference that leads nowhere', { $ref: '#/$defs/none' }],
    ['a reference to elsewhere', { $ref: 'https://example.com/schema.json' }],
  ])('is rejected with %s', (_name, schema) => {
    expect(() => compileSchema(schema as Schema, PLACE)).toThrow(CallbacksConfigurationError);
    expect(() => compileSchema(schema as Schema, PLACE)).toThrow(
      /JSON Schema of the tool "refund" is not valid/,
    );
  });

  it('is rejected when it cannot be serialized', () => {
    const schema: Record<string, unknown> = { type: 'object' };
    schema['self'] = schema;
    expect(() => compileSchema(schema, PLACE)).toThrow(CallbacksConfigurationError);
  });

  it.each([null, undefined, 'string', 7, ['object'], () => 1])('is not %p', (schema) => {
    expect(() => compileSchema(schema as unknown as Schema, PLACE)).toThrow(
      /must be a Standard Schema \(zod 4 …\) or a JSON Schema object/,
    );
  });

  it('can be recursive, and rejects a value that is too deep instead of throwing', async () => {
    const schema = { type: 'object', properties: { in: { $ref: '#' } } };
    const { validate } = compileSchema(schema, PLACE);
    let deep: object = {};
    for (let i = 0; i < 100_000; i++) deep = { in: deep };
    expect(await validate(deep)).toEqual({
      issues: 'the value is too large or too deep to be checked',
    });
  });

  it('reports only the first issue of a value too large to list all', async () => {
    const { validate } = compileSchema({ type: 'array', items: { type: 'string' } }, PLACE);
    expect(await validate([1, 2])).toEqual({ issues: '[0]: must be string; [1]: must be string' });
    const many = Array.from({ length: 20_000 }, () => 1);
    expect(await validate(many)).toEqual({ issues: '[0]: must be string' });
  });

  it('requires own properties; inherited ones of that name do not count', async () => {
    const { validate } = compileSchema(
      { type: 'object', required: ['constructor'], properties: { toString: { type: 'string' } } },
      PLACE,
    );
    expect(await validate({})).toEqual({ issues: expect.stringContaining("'constructor'") });
    expect(await validate({ constructor: 1 })).toEqual({ value: { constructor: 1 } });
  });

  it('detects a key named __proto__ where additional keys are not allowed', async () => {
    const { validate } = compileSchema({ type: 'object', additionalProperties: false }, PLACE);
    expect(await validate(JSON.parse('{"__proto__":1}'))).toEqual({
      issues: 'must not have the property "__proto__"',
    });
  });

  it('reports the allowed values', async () => {
    const { validate } = compileSchema({ enum: ['a', 'b'] }, PLACE);
    expect(await validate('c')).toEqual({ issues: expect.stringContaining('["a","b"]') });
  });

  it('treats formats as descriptions', async () => {
    const { validate } = compileSchema({ type: 'string', format: 'email' }, PLACE);
    expect(await validate('nobody')).toEqual({ value: 'nobody' });
  });

  it('is not affected when the caller changes the object later', async () => {
    const schema: { type: string } = { type: 'string' };
    const { jsonSchema, validate } = compileSchema(schema, PLACE);
    schema.type = 'number';
    expect(jsonSchema).toEqual({ type: 'string' });
    expect(await validate('text')).toEqual({ value: 'text' });
  });

  it('can have the same $id as another', () => {
    const cache = new SchemaCache();
    const first = cache.compile({ $id: 'order', type: 'string' }, PLACE);
    const second = cache.compile({ $id: 'order', type: 'number' }, PLACE);
    expect(first.validate('a')).toEqual({ value: 'a' });
    expect(second.validate(1)).toEqual({ value: 1 });
  });
});

describe('A schema cache', () => {
  it('compiles a schema once', () => {
    const cache = new SchemaCache();
    expect(cache.compile(ZOD_ORDER, PLACE)).toBe(cache.compile(ZOD_ORDER, 'elsewhere'));
    expect(cache.compile(PLAIN_ORDER, PLACE)).toBe(cache.compile(PLAIN_ORDER, PLACE));
  });

  it('rejects an invalid schema each time', () => {
    const cache = new SchemaCache();
    const wrong = { type: 'strin' };
    expect(() => cache.compile(wrong, PLACE)).toThrow(CallbacksConfigurationError);
    expect(() => cache.compile(wrong, PLACE)).toThrow(CallbacksConfigurationError);
  });
});
