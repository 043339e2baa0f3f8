import { isDeepStrictEqual } from 'node:util';
import { readPath } from './paths.js';
import type { Paths } from './read-case.js';

type Condition = (actual: unknown, operand: never) => boolean;

const CONDITIONS: Readonly<Record<string, Condition>> = {
  $absent: (actual, isAbsent: boolean) => (actual == null) === isAbsent,
  $nonEmpty: (actual) => (typeof actual === 'string' || Array.isArray(actual)) && actual.length > 0,
  $not: (actual, operand: unknown) => !isMatch(actual, operand),
  $oneOf: (actual, operands: readonly unknown[]) =>
    operands.some((operand) => isMatch(actual, operand)),
  $matches: says,
  $says: says,
  $greaterThan: (actual, least: number) => typeof actual === 'number' && actual > least,
  $json: (actual, operand: unknown) => typeof actual === 'string' && isJsonOf(actual, operand),
  $joined: (actual, operand: Readonly<Record<string, string>>) =>
    Array.isArray(actual) &&
    Object.entries(operand).every(([field, text]) => joined(actual, field) === text),
};

/** Whether a value matches: it is equal, or meets its condition. */
export function isMatch(actual: unknown, wanted: unknown): boolean {
  const [name, operand] = conditionOf(wanted) ?? [];
  if (name !== undefined) return CONDITIONS[name]!(actual, operand as never);
  return isDeepStrictEqual(plain(actual), plain(wanted));
}

/** The mismatches at the given paths, one line each. */
export function pathMismatches(actual: unknown, wanted: Paths, place: string): string[] {
  return Object.entries(wanted).flatMap(([path, value]) =>
    valueMismatches(readPath(actual, path), value, `${place} ${path}`),
  );
}

/** The mismatch, as a list of at most one line. */
export function valueMismatches(actual: unknown, wanted: unknown, place: string): string[] {
  if (isMatch(actual, wanted)) return [];
  return [`${place}: ${show(actual)} is not ${show(wanted)}`];
}

function conditionOf(wanted: unknown): readonly [string, unknown] | undefined {
  if (typeof wanted !== 'object' || wanted === null) return undefined;
  const [entry, ...others] = Object.entries(wanted);
  if (!entry?.[0].startsWith('$') || others.length > 0) return undefined;
  if (!Object.hasOwn(CONDITIONS, entry[0])) throw new Error(`Unknown condition ${entry[0]}.`);
  return entry;
}

/** A case-insensitive pattern. A value other than a string is searched in its JSON. */
function says(actual: unknown, pattern: string): boolean {
  const text = typeof actual === 'string' ? actual : JSON.stringify(actual ?? '');
  return new RegExp(pattern, 'i').test(text);
}

function isJsonOf(text: string, operand: unknown): boolean {
  try {
    return isMatch(JSON.parse(text), operand);
  } catch {
    return false;
  }
}

function joined(entries: readonly unknown[], field: string): string {
  return entries
    .map((entry) => (Object(entry) as Record<string, unknown>)[field])
    .filter((value) => typeof value === 'string')
    .join('');
}

/** Without prototypes and fields that JSON cannot represent. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}
