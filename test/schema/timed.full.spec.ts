import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import type { Schema } from 'nestjs-llm-callbacks';
import { compileSchema } from '../../src/schema/compile-schema.js';

const SLOW = /could not be checked within 1000 ms/;
/** Fails only after 2^40 ways to match it. */
const CATASTROPHIC = `${'a'.repeat(40)}!`;

const objects = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ a: { b: i }, c: [i] }));

function check(schema: Schema, value: unknown) {
  return compileSchema(schema, 'the answer').validate(value);
}

describe('The validation of an answer', () => {
  it.each<[string, Schema, unknown]>([
    ['a pattern', { type: 'string', pattern: '^(a+)+$' }, CATASTROPHIC],
    [
      'the pattern of a key',
      { type: 'object', patternProperties: { '^(a+)+$': false } },
      { [CATASTROPHIC]: 1 },
    ],
    ['a pattern of zod', z.string().regex(/^(a+)+$/), CATASTROPHIC],
    [
      'a schema that refers to itself twice',
      {
        $defs: {
          n: {
            allOf: [
              { properties: { in: { $ref: '#/$defs/n' } } },
              { properties: { in: { $ref: '#/$defs/n' } } },
            ],
          },
        },
        $ref: '#/$defs/n',
      },
      JSON.parse('{"in":'.repeat(60) + '1' + '}'.repeat(60)),
    ],
  ])('is stopped when %s takes too long, with a clear reason', async (_, schema, value) => {
    expect(await check(schema, value)).toEqual({ issues: expect.stringMatching(SLOW) });
    // The next validation works as usual.
    expect(await check({ type: 'string', pattern: '^a+$' }, 'aaa')).toEqual({ value: 'aaa' });
  });

  it('detects that 8,000 objects are unique, and that two of them are equal', async () => {
    const schema = { type: 'array', uniqueItems: true };
    const items = objects(8_000);
    expect(await check(schema, items)).toEqual({ value: items });
    const [first] = items;
    const twice = [...items, { c: first!.c, a: first!.a }];
    expect(await check(schema, twice)).toEqual({
      issues: 'must NOT have duplicate items (items ## 0 and 8000 are identical)',
    });
  });

  it.each<[unknown[], boolean]>([
    [[1, '1', true, null, [], {}], true],
    [
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      false,
    ],
    [[0, -0], false],
    [
      [
        [1, 2],
        [2, 1],
      ],
      true,
    ],
    [[{ a: undefined }, {}], true],
    [[['a,b'], ['a', 'b']], true],
  ])('distinguishes equal items from others: %j', async (items, isUnique) => {
    const result = await check({ type: 'array', uniqueItems: true }, items);
    expect('value' in result).toBe(isUnique);
    const free = await check({ type: 'array', uniqueItems: false }, items);
    expect('value' in free).toBe(true);
  });

  it('can itself validate with another schema, and throw', async () => {
    const inner = compileSchema({ type: 'string', pattern: '^a+$' }, 'the answer');
    const outer = z
      .string()
      .regex(/^a/)
      .refine((value) => 'value' in (inner.validate(value) as object));
    expect(await check(outer, 'aa')).toEqual({ value: 'aa' });
    expect(await check(outer, 'ab')).toHaveProperty('issues');
    const throws = z
      .string()
      .regex(/^a/)
      .refine(() => {
        throw new Error('secret');
      });
    expect(await check(throws, 'a')).toEqual({
      issues: 'the value could not be checked: a rule of the schema threw',
    });
  });
});
