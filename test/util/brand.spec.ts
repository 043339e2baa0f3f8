import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as main from 'nestjs-llm-callbacks';
import * as bullmq from 'nestjs-llm-callbacks/bullmq';
import * as otel from 'nestjs-llm-callbacks/otel';
import * as redis from 'nestjs-llm-callbacks/redis';
import * as testing from 'nestjs-llm-callbacks/testing';
import { ROOT } from '../docs/blocks.js';
import { secondCopy } from '../support/second-copy.js';

type AnyClass = abstract new (...args: never[]) => object;

const classes: [name: string, type: AnyClass][] = [main, bullmq, otel, redis, testing]
  .flatMap((entry) => Object.entries<unknown>(entry))
  .filter((entry): entry is [string, AnyClass] => isClass(entry[1]));
const names = new Set(classes.map(([name]) => name));
/** Each class once: some are exported under a second name. */
const exported = classes.filter(([name, type]) => name === type.name || !names.has(type.name));

describe('The exported class', () => {
  it.each(exported)('%s has a brand', (name, type) => {
    expect(problemOf(name, type)).toBe('');
  });
});

it('Every error class in src/ has a brand', () => {
  const src = join(ROOT, 'src');
  const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(src, file), 'utf8'));
  const declared = sources.flatMap((source) => [
    ...source.matchAll(
      /^(?:export )?(?:abstract )?class (\w+)\s+extends\s+(?:\w+Error|CallbackAbort)\b/gm,
    ),
  ]);
  expect(declared.length).toBeGreaterThan(20);
  const problems = declared
    .map(([, name = '']) => name)
    .filter((name) => !sources.some((source) => source.includes(`brand(this, 'error:${name}');`)))
    .map(advice);
  expect(problems).toEqual([]);
});

describe('instanceof', () => {
  let other: typeof main;
  beforeAll(async () => {
    other = await secondCopy();
  });

  const errorOf = (of: typeof main) => new of.BudgetExceededError('Spent.');

  it('matches errors of another copy of the package, at each level of the hierarchy', () => {
    expect(other.CallbackAbort).not.toBe(main.CallbackAbort);
    const levels = (of: typeof main) => [
      of.CallbacksError,
      of.CallbackAbort,
      of.BudgetExceededError,
    ];
    for (const level of levels(main)) {
      expect(errorOf(other) instanceof level).toBe(true);
      expect(errorOf(main) instanceof level).toBe(true);
    }
    for (const level of levels(other)) expect(errorOf(main) instanceof level).toBe(true);
  });

  it('distinguishes classes', () => {
    expect(errorOf(other) instanceof main.RateLimitExceededError).toBe(false);
    expect(new other.CallbackAbort('Closed.') instanceof main.BudgetExceededError).toBe(false);
    expect(errorOf(other) instanceof main.LlmStream).toBe(false);
  });

  it('works as usual for classes of the application', () => {
    class Closed extends main.CallbackAbort {}
    class OtherClosed extends other.CallbackAbort {}
    expect(new Closed('x') instanceof Closed).toBe(true);
    expect(new Closed('x') instanceof main.CallbackAbort).toBe(true);
    expect(new OtherClosed('x') instanceof main.CallbackAbort).toBe(true);
    expect(new OtherClosed('x') instanceof Closed).toBe(false);
    expect(new main.CallbackAbort('x') instanceof Closed).toBe(false);
    expect(new main.BudgetExceededError('x') instanceof Closed).toBe(false);
  });

  it('matches nothing else, not even a proxy with every property', () => {
    const mock = new Proxy({}, { has: () => true, get: () => true });
    const values = [
      mock,
      Object.create(null),
      main.CallbackAbort,
      Error('x'),
      'x',
      null,
      undefined,
    ];
    for (const value of values)
      expect((value as unknown) instanceof main.CallbackAbort).toBe(false);
  });
});

describe('The name of an error', () => {
  it('is a literal in the class', () => {
    const { value } = Object.getOwnPropertyDescriptor(main.CallbackAbort, 'name')!;
    expect(value).toBe('CallbackAbort');
    expect(new main.BudgetExceededError('x')).toMatchObject({ name: 'BudgetExceededError' });
    expect(new main.LlmAbortedError('x').name).toBe('AbortError');
  });

  it('is the name of an application’s own class, unless a minifier changed it', () => {
    class DeskClosed extends main.CallbackAbort {}
    class a extends main.CallbackAbort {}
    class b extends main.CallbackAbort {}
    // As a static field does.
    Object.defineProperty(b, 'name', { value: 'Holiday', enumerable: true });
    expect(new DeskClosed('x').name).toBe('DeskClosed');
    expect(new a('x').name).toBe('CallbackAbort');
    expect(new (class extends a {})('x').toJSON().name).toBe('CallbackAbort');
    expect(new b('x').name).toBe('Holiday');
  });
});

function isClass(value: unknown): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function problemOf(name: string, type: AnyClass): string {
  const kind = Error.prototype.isPrototypeOf(type.prototype as object) ? 'error' : 'class';
  const mark = Symbol.for(`nestjs-llm-callbacks:${kind}:${name}`);
  const isMarked = Object.hasOwn(type, mark) && Object.hasOwn(type.prototype as object, mark);
  if (isMarked && Object.hasOwn(type, Symbol.hasInstance) && type.name === name) return '';
  return advice(name, kind);
}

function advice(name: string, kind: unknown): string {
  const id = `${kind === 'class' ? 'class' : 'error'}:${name}`;
  return `Two copies of the package would not know each other's ${name}: begin the class with "static { brand(this, '${id}'); }", with brand of src/util/brand.ts.`;
}
