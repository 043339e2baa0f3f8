import { expect, it } from '@jest/globals';
import { ContentRedactor } from '../../src/redaction/content-redactor.js';
import { Random } from '../support/wire/random.js';

const KEYS = ['password', 'API_KEY', 'x-api-key', 'Authorization', 'client_secret', 'token'];
const NAMES = ['a', 'user name', 'tokenCount', 'say "hi"', 'back\\slash', 'line\n2', '__proto__'];
/** Secrets consist of these, at least one of them marked. */
const PIECES = ['"', '\\', ' ', '\n', '{', '}', ']', ',', ':', '\\"', 'ü', "'", '\u2028', 'x'];
const MARK = 'MARKED';
const redactor = new ContentRedactor();

/** A value with secrets under their keys; other values have none. */
function valueOf(random: Random, depth: number): unknown {
  if (depth === 0 || random.chance(0.2)) {
    return random.pick<unknown>([random.int(-9, 9), 0.5, null, true, 'plain', 'a: "b", {c} \\ d']);
  }
  if (random.chance(0.2)) return JSON.stringify(valueOf(random, depth - 1));
  if (random.chance(0.3)) return random.times(0, 3, () => valueOf(random, depth - 1));
  return Object.fromEntries(
    random.times(1, 3, () =>
      random.chance(0.4)
        ? [random.pick(KEYS), secretOf(random)]
        : [random.pick(NAMES), valueOf(random, depth - 1)],
    ),
  );
}

function secretOf(random: Random): unknown {
  const text = () =>
    [
      ...random.times(0, 4, () => random.pick(PIECES)),
      MARK,
      ...random.times(0, 4, () => random.pick(PIECES)),
    ].join('');
  return random.pick([text, text, () => [text()], () => ({ a: text(), n: 1 })])();
}

it('Secrets under their keys are in no redacted value, text of JSON or cut text', () => {
  let marked = 0;
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = new Random(seed);
    const value = valueOf(random, 4);
    const text = JSON.stringify(value);
    if (text.includes(MARK)) marked++;
    const before = structuredClone(value);
    expect([seed, JSON.stringify(redactor.redact(value))]).not.toEqual([
      seed,
      expect.stringContaining(MARK),
    ]);
    expect(value).toEqual(before);
    const safe = redactor.redact(text) as string;
    expect([seed, safe]).not.toEqual([seed, expect.stringContaining(MARK)]);
    expect(() => JSON.parse(safe) as unknown).not.toThrow();
    const cut = `It says: ${text}`.slice(0, random.int(0, text.length + 9));
    expect([seed, cut, redactor.redact(cut)]).not.toEqual([
      seed,
      cut,
      expect.stringContaining(MARK),
    ]);
    expect(redactor.redact(safe)).toBe(safe);
  }
  expect(marked).toBeGreaterThan(500);
});
