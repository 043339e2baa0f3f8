import { describe, expect, it } from '@jest/globals';
import { toCanonicalJson } from '../../src/approvals/pending-signer.js';

describe('Canonical JSON', () => {
  it.each<[string, unknown, string]>([
    [
      'sorts keys by their UTF-16 code units',
      { b: 1, a: 2, 10: 3, 9: 4 },
      '{"10":3,"9":4,"a":2,"b":1}',
    ],
    [
      'sorts keys as RFC 8785 shows',
      { '\u20ac': 1, '\r': 2, '\ufb33': 3, 1: 4, '\u{1f600}': 5, '\u0080': 6, '\u00f6': 7 },
      '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}',
    ],
    ['sorts at every level', [{ b: [{ d: 1, c: 2 }], a: {} }], '[{"a":{},"b":[{"c":2,"d":1}]}]'],
    ['keeps the order of lists', [3, 1, 2, []], '[3,1,2,[]]'],
    [
      'writes numbers as ECMAScript does',
      [1e21, 1e-7, -0, 0.1, 333333333.3333333, 1e20],
      '[1e+21,1e-7,0,0.1,333333333.3333333,100000000000000000000]',
    ],
    [
      'writes texts as JSON does',
      '\u20ac$\u000f\nA\'B"\\\u2028/',
      '"\u20ac$\\u000f\\nA\'B\\"\\\\\u2028/"',
    ],
    ['writes halves of surrogate pairs as escapes', ['\ud83d', '\ude00'], '["\\ud83d","\\ude00"]'],
    ['leaves out what is undefined', { b: undefined, a: [undefined] }, '{"a":[null]}'],
    [
      'writes a key __proto__',
      JSON.parse('{"b":1,"__proto__":{"a":1}}'),
      '{"__proto__":{"a":1},"b":1}',
    ],
    ['writes what is no object', null, 'null'],
  ])('%s', (_what, value, text) => {
    expect(toCanonicalJson(value)).toBe(text);
  });

  it('supports long lists, many keys and deep values', () => {
    const deep = '['.repeat(20_000) + ']'.repeat(20_000);
    const many = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`k${i}`, 0]));
    const long = Array.from({ length: 200_000 }, () => 0);

    expect(toCanonicalJson(JSON.parse(deep))).toBe(deep);
    expect(toCanonicalJson(long)).toBe(JSON.stringify(long));
    expect(Object.keys(JSON.parse(toCanonicalJson(many)) as object)).toHaveLength(200_000);
  });
});
