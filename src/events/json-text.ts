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
 * Like `JSON.stringify`, but within bounds (`bounds.ts`) and for every value: BigInt become strings, and circular or
 * throwing values are written as in events. `'null'` if JSON cannot represent the value.
 */
export function toJsonText(value: unknown): string {
  const copying = new BoundedCopy(JSON_RULES);
  const copy = copying.copy(value);
  const isBroken = copying.marks.has(CIRCULAR) || copying.marks.has(UNREADABLE);
  return JSON.stringify(isBroken ? toSafeJson(value) : copy) ?? 'null';
}

/** A copy of a value after a round trip through JSON, and a mark in it if it is incomplete. */
export function toJsonCopy(value: unknown): { copy: unknown; mark: string | undefined } {
  const copying = new BoundedCopy(JSON_RULES);
  const copy = copying.copy(value);
  const [mark] = copying.marks;
  return { copy, mark };
}

/** The bounds for values that are already bounded. */
const WHOLE: CopyBounds = { depth: 2 * MAX_DEPTH, nodes: Infinity, chars: Infinity };

/** {@link toJsonCopy} of any size, for a value whose parts are already such copies. */
export function toJsonWhole(value: unknown): unknown {
  return new BoundedCopy(JSON_RULES, WHOLE).copy(value);
}

/** The rules of `JSON.stringify`, except for BigInt. */
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
