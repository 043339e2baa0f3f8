import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { compileSchema } from '../../src/schema/compile-schema.js';
import { isStrict } from '../../src/schema/strict.js';
import type { JsonSchema } from '../../src/schema/schema.js';

const closed = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

const nested = (depth: number): JsonSchema =>
  depth === 0 ? { type: 'string' } : closed({ in: nested(depth - 1) });

const text = { type: 'string' };

describe('OpenAI’s strict mode', () => {
  it.each<[string, JsonSchema]>([
    ['a closed object', closed({ a: text, n: { type: 'integer', minimum: 0 } })],
    ['an object without properties', closed({})],
    ['lists and objects in it', closed({ list: { type: 'array', items: closed({ a: text }) } })],
    [
      'nullable values',
      closed({ a: { type: ['string', 'null'] }, b: { anyOf: [text, { type: 'null' }] } }),
    ],
    ['allowed values', closed({ a: { enum: ['x', 'y'] }, b: { const: 1 } })],
    ['definitions', { ...closed({ a: { $ref: '#/$defs/text' } }), $defs: { text } }],
    ['known formats', closed({ a: { type: 'string', format: 'date-time' } })],
    [
      'what zod writes of a plain object',
      compileSchema(z.object({ a: z.string(), n: z.int() }), 'a test').jsonSchema,
    ],
  ])('accepts %s', (_name, schema) => {
    expect(isStrict(schema)).toBe(true);
  });

  it.each<[string, JsonSchema]>([
    ['an open object', { type: 'object', properties: { a: text }, required: ['a'] }],
    ['optional properties', { ...closed({ a: text }), required: [] }],
    [
      'an object that is open further in',
      closed({ in: { type: 'object', additionalProperties: true } }),
    ],
    ['records', closed({ in: { type: 'object', additionalProperties: text } })],
    ['a list at the root', { type: 'array', items: text }],
    ['alternatives at the root', { anyOf: [closed({ a: text })] }],
    ['lists of anything', closed({ list: { type: 'array' } })],
    ['anything', closed({ any: {} })],
    ['booleans for schemas', closed({ any: true as unknown as JsonSchema })],
    ['intersections', closed({ a: { allOf: [text] } })],
    ['tuples', closed({ a: { type: 'array', prefixItems: [text], items: text } })],
    ['unknown formats', closed({ a: { type: 'string', format: 'phone' } })],
    ['patterns that look around', closed({ a: { type: 'string', pattern: '^(?!x)' } })],
    ['defaults', closed({ a: { type: 'string', default: 'x' } })],
    ['references with company', closed({ a: { $ref: '#/$defs/a', description: 'An a.' } })],
    [
      'open definitions',
      { ...closed({ a: { $ref: '#/$defs/a' } }), $defs: { a: { type: 'object' } } },
    ],
    ['more than ten levels', nested(11)],
  ])('does not accept %s', (_name, schema) => {
    expect(isStrict(schema)).toBe(false);
  });
});
