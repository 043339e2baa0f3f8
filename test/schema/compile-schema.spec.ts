import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import {
  CallbacksConfigurationError,
  type Schema,
  type StandardSchemaV1,
} from 'nestjs-llm-callbacks';
import { compileSchema } from '../../src/schema/compile-schema.js';
import { SchemaCache } from '../../src/schema/schema-cache.js';

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

/** A schema of a library that is none of the known ones. */
function standard(
  validate: StandardSchemaV1['~standard']['validate'],
  written: Record<string, unknown> = { type: 'object' },
): StandardSchemaV1 {
  const jsonSchema = { input: () => written };
  return { '~standard': { version: 1, vendor: 'test', validate, jsonSchema } };
}

describe.each(SCHEMAS)('A schema by %s', (_name, schema) => {
  const compiled = compileSchema(schema, PLACE);

  it('gives the value that fits', async () => {
    const value = { id: 'A1', items: [{ count: 2 }] };
    expect(await compiled.validate(value)).toEqual({ value });
  });

  it('says where a value does not fit, and quotes none', async () => {
    const result = await compiled.validate({
      id: 4711,
      items: [{ count: 1 }, { count: 'secret' }],
    });
    expect(result).toEqual({
      issues: expect.stringMatching(/^id: .*string.*; items\[1\]\.count: .*(integer|number|int)/),
    });
    expect(JSON.stringify(result)).not.toMatch(/secret|4711/);
  });

  it.each([undefined, null, 'text', 7, [], () => 1, Symbol('s')])('refuses %p', async (value) => {
    expect(await compiled.validate(value)).toEqual({ issues: expect.any(String) });
  });

  it('leaves the value as it is', async () => {
    const value = Object.freeze({ id: 'A1', extra: Object.freeze([1]) });
    await compiled.validate(value);
    expect(value).toEqual({ id: 'A1', extra: [1] });
  });

  it('is not taken in by what every object inherits', async () => {
    await compiled.validate(
      JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":2},"id":"A1"}'),
    );
    expect('polluted' in {}).toBe(false);
  });

  it('keeps what it says of very many issues short', async () => {
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
  it('gives what its transforms and defaults make of the value, and is sent as what comes before them', async () => {
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

  it('is sent with its objects closed, so that providers can be strict', () => {
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

  it('stays open where it is an intersection, because closed parts would shut each other out', () => {
    const part = (name: string) => ({ type: 'object', properties: { [name]: { type: 'string' } } });
    const allOf = [part('a'), part('b')];
    const { jsonSchema } = compileSchema(
      standard((value) => ({ value }), { allOf }),
      PLACE,
    );
    expect(jsonSchema).toEqual({ allOf });
  });

  it('may check asynchronously', async () => {
    const schema = z.object({ id: z.string().refine(async (id) => id !== 'taken', 'is taken') });
    const { validate } = compileSchema(schema, PLACE);
    expect(await validate({ id: 'taken' })).toEqual({ issues: 'id: is taken' });
    expect(await validate({ id: 'free' })).toEqual({ value: { id: 'free' } });
  });

  it('whose check throws finds the value unfit', async () => {
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

  it('whose check rejects finds the value unfit', async () => {
    const { validate } = compileSchema(
      standard(() => Promise.reject(new Error('secret'))),
      PLACE,
    );
    expect(await validate({})).toEqual({ issues: expect.not.stringContaining('secret') });
  });

  it('may be a function, as those of some libraries are', async () => {
    const schema = Object.assign(
      () => undefined,
      standard((value) => ({ value })),
    );
    expect(await compileSchema(schema, PLACE).validate(1)).toEqual({ value: 1 });
  });

  it('writes odd keys of a path so that they cannot be mistaken', async () => {
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
  ])('is refused with %s in it', (_name, schema) => {
    expect(() => compileSchema(schema, PLACE)).toThrow(CallbacksConfigurationError);
    expect(() => compileSchema(schema, PLACE)).toThrow(
      /the tool "refund" cannot be written as JSON Schema/,
    );
  });

  it('is refused when its library cannot write JSON Schema', () => {
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
  ])('is refused with %s', (_name, schema) => {
    expect(() => compileSchema(schema as Schema, PLACE)).toThrow(CallbacksConfigurationError);
    expect(() => compileSchema(schema as Schema, PLACE)).toThrow(
      /JSON Schema of the tool "refund" is not valid/,
    );
  });

  it('is refused when it is no JSON', () => {
    const schema: Record<string, unknown> = { type: 'object' };
    schema['self'] = schema;
    expect(() => compileSchema(schema, PLACE)).toThrow(CallbacksConfigurationError);
  });

  it.each([null, undefined, 'string', 7, ['object'], () => 1])('is not %p', (schema) => {
    expect(() => compileSchema(schema as unknown as Schema, PLACE)).toThrow(
      /must be a Standard Schema \(zod 4 …\) or a JSON Schema object/,
    );
  });

  it('may refer to itself, and refuses a value that is too deep instead of failing', async () => {
    const schema = { type: 'object', properties: { in: { $ref: '#' } } };
    const { validate } = compileSchema(schema, PLACE);
    let deep: object = {};
    for (let i = 0; i < 100_000; i++) deep = { in: deep };
    expect(await validate(deep)).toEqual({
      issues: 'the value is too large or too deep to be checked',
    });
  });

  it('names the first issue only of a value so large that all of them would fill the memory', async () => {
    const { validate } = compileSchema({ type: 'array', items: { type: 'string' } }, PLACE);
    expect(await validate([1, 2])).toEqual({ issues: '[0]: must be string; [1]: must be string' });
    const many = Array.from({ length: 20_000 }, () => 1);
    expect(await validate(many)).toEqual({ issues: '[0]: must be string' });
  });

  it('asks for properties of its own, where objects inherit some of that name', async () => {
    const { validate } = compileSchema(
      { type: 'object', required: ['constructor'], properties: { toString: { type: 'string' } } },
      PLACE,
    );
    expect(await validate({})).toEqual({ issues: expect.stringContaining("'constructor'") });
    expect(await validate({ constructor: 1 })).toEqual({ value: { constructor: 1 } });
  });

  it('sees a key named __proto__ where no key may be added', async () => {
    const { validate } = compileSchema({ type: 'object', additionalProperties: false }, PLACE);
    expect(await validate(JSON.parse('{"__proto__":1}'))).toEqual({
      issues: 'must not have the property "__proto__"',
    });
  });

  it('says which values are allowed', async () => {
    const { validate } = compileSchema({ enum: ['a', 'b'] }, PLACE);
    expect(await validate('c')).toEqual({ issues: expect.stringContaining('["a","b"]') });
  });

  it('takes formats for descriptions', async () => {
    const { validate } = compileSchema({ type: 'string', format: 'email' }, PLACE);
    expect(await validate('nobody')).toEqual({ value: 'nobody' });
  });

  it('stays as it was when its owner changes the object', async () => {
    const schema: { type: string } = { type: 'string' };
    const { jsonSchema, validate } = compileSchema(schema, PLACE);
    schema.type = 'number';
    expect(jsonSchema).toEqual({ type: 'string' });
    expect(await validate('text')).toEqual({ value: 'text' });
  });

  it('may carry the same $id as another', () => {
    const cache = new SchemaCache();
    const first = cache.compile({ $id: 'order', type: 'string' }, PLACE);
    const second = cache.compile({ $id: 'order', type: 'number' }, PLACE);
    expect(first.validate('a')).toEqual({ value: 'a' });
    expect(second.validate(1)).toEqual({ value: 1 });
  });
});

describe('A cache of schemas', () => {
  it('compiles a schema once', () => {
    const cache = new SchemaCache();
    expect(cache.compile(ZOD_ORDER, PLACE)).toBe(cache.compile(ZOD_ORDER, 'elsewhere'));
    expect(cache.compile(PLAIN_ORDER, PLACE)).toBe(cache.compile(PLAIN_ORDER, PLACE));
  });

  it('refuses a wrong schema each time', () => {
    const cache = new SchemaCache();
    const wrong = { type: 'strin' };
    expect(() => cache.compile(wrong, PLACE)).toThrow(CallbacksConfigurationError);
    expect(() => cache.compile(wrong, PLACE)).toThrow(CallbacksConfigurationError);
  });
});
