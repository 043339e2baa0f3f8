import { types } from 'node:util';
import { CIRCULAR, UNREADABLE, MAX_DEPTH } from '../util/bounds.js';
import {
  BoundedCopy,
  callToJson,
  Contents,
  leafOf,
  type CopyBounds,
  type CopyRules,
} from './bounded-copy.js';
import { toSafeJson } from './serialize.js';

/**
 * The text that `JSON.stringify` writes of a value, within bounds (`bounds.ts`) and for every value: BigInt become
 * strings, and what holds itself or throws when it is read is written as events write it. `'null'` where JSON has
 * nothing for the value.
 */
export function toJsonText(value: unknown): string {
  const copying = new BoundedCopy(JSON_RULES);
  const copy = copying.copy(value);
  const isBroken = copying.marks.has(CIRCULAR) || copying.marks.has(UNREADABLE);
  return JSON.stringify(isBroken ? toSafeJson(value) : copy) ?? 'null';
}

/** A copy of a value as JSON gives it back, and a mark in it where it is not the whole. */
export function toJsonCopy(value: unknown): { copy: unknown; mark: string | undefined } {
  const copying = new BoundedCopy(JSON_RULES);
  const copy = copying.copy(value);
  const [mark] = copying.marks;
  return { copy, mark };
}

/** What is made of values that are bounded already. */
const WHOLE: CopyBounds = { depth: 2 * MAX_DEPTH, nodes: Infinity, chars: Infinity };

/** The same of a value whose parts are such copies already: of any size. */
export function toJsonWhole(value: unknown): unknown {
  return new BoundedCopy(JSON_RULES, WHOLE).copy(value);
}

/** Those of `JSON.stringify`, but for BigInt. */
const JSON_RULES: CopyRules = {
  leaf: (value) => leafOf(value, () => null),
  read(value, around) {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return callToJson(toJSON, value, [around?.key ?? '']);
    if (Array.isArray(value)) return new Contents(value);
    // new Number(1) and the like.
    if (types.isBoxedPrimitive(value)) return value.valueOf();
    return new Contents(value, Object.keys(value));
  },
};
