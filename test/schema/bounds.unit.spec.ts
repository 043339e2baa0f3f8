import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { CallbacksConfigurationError, type Schema } from 'nestjs-llm-callbacks';
import { compileSchema } from '../../src/schema/compile-schema.js';
import { doubled, nested } from '../support/deep.js';

/** A schema with the given number of levels. */
function levels(count: number): Record<string, unknown> {
  let schema: Record<string, unknown> = { type: 'string' };
  for (let i = 0; i < count; i++) schema = { type: 'object', properties: { in: schema } };
  return schema;
}

function holdsItself(): Record<string, unknown> {
  const schema: Record<string, unknown> = { type: 'object' };
  schema['properties'] = { a: schema, b: schema };
  return schema;
}

/** A schema of a library that outputs this JSON Schema. */
function written(schema: Record<string, unknown>): Schema {
  const jsonSchema = { input: () => schema };
  const validate = (value: unknown) => ({ value });
  return { '~standard': { version: 1, vendor: 'test', validate, jsonSchema } };
}

describe.each<[string, (schema: Record<string, unknown>) => Schema]>([
  ['A plain JSON Schema', (schema) => schema],
  ['A schema that a library writes', written],
])('%s', (_, by) => {
  it.each<[string, () => Record<string, unknown>, RegExp]>([
    ['holds itself', holdsItself, /200 levels deep, or holds itself/],
    ['is 101 objects deep', () => levels(101), /200 levels deep/],
    ['is 50,000 objects deep', () => levels(50_000), /200 levels deep/],
    ['doubles at each level', () => ({ const: doubled(60) }), /100000 values/],
    ['is large', () => ({ enum: Array.from({ length: 100_001 }, (__, i) => i) }), /100000 values/],
    [
      'throws when it is read',
      () => Object.defineProperty({}, 'type', { get: fail, enumerable: true }),
      /one of its getters throws/,
    ],
  ])('that %s is rejected with the reason', (__, make, why) => {
    const compile = () => compileSchema(by(make()), 'the tool "refund"');
    expect(compile).toThrow(CallbacksConfigurationError);
    expect(compile).toThrow(why);
  });

  it('of 90 objects is accepted', async () => {
    const { validate } = compileSchema(by(levels(90)), 'the answer');
    expect(await validate({})).toEqual({ value: {} });
  });
});

describe('A validated value', () => {
  const Tree: z.ZodType = z.object({ in: z.lazy(() => Tree).optional() });
  const tooMuch = { issues: 'the value is too large or too deep to be checked' };

  function tree(depth: number): object {
    let value: object = {};
    for (let i = 1; i < depth; i++) value = { in: value };
    return value;
  }

  it.each<[string, Schema]>([
    ['zod', Tree],
    ['JSON Schema', { type: 'object', properties: { in: { $ref: '#' } } }],
  ])('by a recursive schema of %s can be 200 levels deep', async (_, schema) => {
    const { validate } = compileSchema(schema, 'the answer');
    expect(await validate(tree(200))).toEqual({ value: tree(200) });
    expect(await validate(tree(201))).toEqual(tooMuch);
    expect(await validate(tree(50_000))).toEqual(tooMuch);
  });

  it('is not passed to the schema when it is too deep or refers to itself', async () => {
    const seen: unknown[] = [];
    const { validate } = compileSchema(
      z.object({ in: z.unknown() }).refine((value) => seen.push(value)),
      'the answer',
    );
    const self: Record<string, unknown> = {};
    self['in'] = self;
    for (const value of [self, { in: nested(300) }, { in: doubled(60) }])
      expect(await validate(value)).toEqual(tooMuch);
    expect(seen).toEqual([]);
  });

  it('has issues even if the issues of an asynchronous library throw', async () => {
    const broken = Object.defineProperty({}, 'issues', { get: fail }) as { value: unknown };
    const schema: Schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async () => broken,
        jsonSchema: { input: () => ({ type: 'object' }) },
      },
    };
    expect(await compileSchema(schema, 'the answer').validate({})).toEqual({
      issues: expect.stringContaining('could not be checked'),
    });
  });
});

function fail(): never {
  throw new Error('secret');
}
