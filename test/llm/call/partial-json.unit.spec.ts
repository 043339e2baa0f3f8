import { describe, expect, it } from '@jest/globals';
import { PartialJson } from '../../../src/llm/call/partial-json.js';
import { Random } from '../../support/wire/random.js';

/** The states of a text that arrives in pieces, including the final one. */
function seen(pieces: Iterable<string>): unknown[] {
  const json = new PartialJson();
  const states = Array.from(pieces, (piece) => json.add(piece));
  return [...states, json.read()].filter((state) => state !== undefined);
}

describe('Partial JSON', () => {
  it.each<[string, string, unknown[]]>([
    ['an empty object', '{', [{}]],
    ['a key', '{"na', [{}]],
    ['a key without a value', '{"name":', [{}]],
    ['the start of a text', '{"name":"', [{ name: '' }]],
    ['a part of a text', '{"name":"To', [{ name: 'To' }]],
    ['a whole text', '{"name":"To"', [{ name: 'To' }]],
    ['a part of a number', '{"a":1,"n":12', [{ a: 1 }]],
    ['a number', '{"n":12 ', [{ n: 12 }]],
    ['a part of a word', '{"a":tr', [{}]],
    ['words', '[true,null,false,', [[true, null, false]]],
    ['lists in lists', '[[1,[2,3', [[[1, [2]]]]],
    ['objects in lists', '{"l":[{"a":"x"},{"a":"y', [{ l: [{ a: 'x' }, { a: 'y' }] }]],
    ['brackets and quotes in texts', String.raw`{"a":"}]\"[{`, [{ a: '}]"[{' }]],
    ['a part of an escape', String.raw`{"a":"x\u00`, [{ a: 'x' }]],
    ['a backslash', String.raw`{"a":"x` + '\\', [{ a: 'x' }]],
    ['a whole escape', String.raw`{"a":"x\u00e9`, [{ a: 'xé' }]],
    ['a whole value with more behind it', '{"a":1} and so on {"b":2}', [{ a: 1 }]],
    ['a code block', '```json\n{"a":[1,2]}\n```', [{ a: [1, 2] }]],
    ['nothing', '', []],
    ['a text without JSON', 'I do not know.', []],
  ])('yields %s', (_name, text, states) => {
    expect(seen([text])).toEqual(states);
  });

  it('yields each state once, as a separate value', () => {
    const states = seen(['{"a":', ' ', '"x', 'y"', ' ', ',"b":', '1', '2', '}', '\n']);
    expect(states).toEqual([{}, { a: 'x' }, { a: 'xy' }, { a: 'xy', b: 12 }]);
    expect(new Set(states).size).toBe(states.length);
  });

  it.each([1, 2, 3, 4, 5])('yields the same however it is split (%i)', (seed) => {
    const value = {
      a: ['é\n"\\', 1.5e-7, { b: [], c: {}, d: null }],
      'k\u0000': [true, [[]]],
      '': '',
    };
    const text = JSON.stringify(value, null, seed % 2);
    const pieces = new Random(seed).pieces(text);
    expect(seen(pieces).at(-1)).toEqual(value);
  });

  it.each([
    ['closes what is not open', '{"a":1]'],
    ['has no commas', '{"a":1 "b":2'],
    ['has words that are none', '{"a":NaN,"b":Infinity,'],
    ['has broken escapes', String.raw`{"a":"\x41"`],
  ])('yields no more states of a text that %s', (_name, text) => {
    expect(seen([text, ',"z":1}'])).toEqual([]);
  });

  it('keeps a key named __proto__ as a key', () => {
    const [state] = seen(['{"__proto__":{"polluted":true}}']);
    expect(Object.getPrototypeOf(state)).toBe(Object.prototype);
    expect(Object.hasOwn(state as object, '__proto__')).toBe(true);
    expect('polluted' in {}).toBe(false);
  });

  it('ignores values nested deeper than the bound', () => {
    expect(seen(['{"a":'.repeat(100), '{"a":'.repeat(100_000), '1'])).toHaveLength(1);
  });

  it('is parsed so rarely that a long text takes linear time', () => {
    const pieces = Array.from({ length: 20_000 }, () => '"twelve chars",');
    const json = new PartialJson();
    json.add('[');
    const parsed = pieces.map((piece) => json.add(piece)).filter((state) => state !== undefined);
    expect(parsed.length).toBeLessThan(500);
    expect(json.read()).toHaveLength(pieces.length);
  });
});
