import { types } from 'node:util';
import { describeError } from '../errors/callbacks-error.js';
import { CIRCULAR, MAX_DEPTH, UNREADABLE } from '../util/bounds.js';
import {
  BoundedCopy,
  callToJson,
  Contents,
  type CopyBounds,
  type CopyRules,
  leafOf,
} from './bounded-copy.js';

/**
 * A copy of `value` that `JSON.stringify` writes unchanged: errors as `{ name, code, message, retryable, status? }`,
 * bytes as `{ bytes, mediaType? }`, BigInt as strings, dates in ISO form, maps and sets as objects and lists, cycles
 * cut; functions, streams, signals and SDK clients are omitted (`undefined`). Never throws: unreadable, too deep and
 * too large parts are marked in place (`bounds.ts`).
 */
export function toSafeJson(value: unknown): unknown {
  return newSafeCopy().copy(value);
}

/** The same for several values within common bounds, such as the fields of an event. */
export function newSafeCopy(bounds?: CopyBounds): BoundedCopy {
  return new BoundedCopy(EVENT_RULES, bounds);
}

const EVENT_RULES: CopyRules = {
  leaf: (value) => leafOf(value, String),
  read(value, around, room) {
    if (Array.isArray(value)) return new Contents(value);
    if (value instanceof Error) return fieldsOf(describeError(value));
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      const mediaType = around?.mediaType;
      const bytes = value.byteLength;
      return fieldsOf(typeof mediaType === 'string' ? { bytes, mediaType } : { bytes });
    }
    if (value instanceof Date) {
      return Number.isNaN(value.getTime()) ? null : Date.prototype.toISOString.call(value);
    }
    if (value instanceof Set) return new Contents(take(Set.prototype.values.call(value), room));
    if (value instanceof Map) return fieldsOfMap(value, room);
    if (isLive(value)) return undefined;
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return callToJson(toJSON, value, []);
    return new Contents(value, keysOf(value), (value as { mediaType?: unknown }).mediaType);
  },
};

function fieldsOf(value: object): Contents {
  return new Contents(value, Object.keys(value));
}

function fieldsOfMap(map: ReadonlyMap<unknown, unknown>, room: number): Contents {
  const entries = take(Map.prototype.entries.call(map), room);
  // fromEntries defines properties, so a key named __proto__ stays a key.
  return fieldsOf(Object.fromEntries(entries.map(([key, item]) => [String(key), item])));
}

/** Takes one item more than there is room for, to detect that there are more. */
function take<T>(items: Iterator<T>, room: number): T[] {
  const taken: T[] = [];
  for (let next = items.next(); !next.done && taken.length <= room; next = items.next())
    taken.push(next.value);
  return taken;
}

/** The fields of an object, without the `raw` of an answer, which is the SDK's object. */
function keysOf(value: object): string[] {
  const keys = Object.keys(value);
  return 'finishReason' in value ? keys.filter((key) => key !== 'raw') : keys;
}

/** Objects with behavior rather than data: clients, emitters, streams, promises, signals. */
function isLive(value: object): boolean {
  const it = value as Record<string, unknown>;
  return (
    value instanceof Promise ||
    value instanceof WeakMap ||
    value instanceof WeakSet ||
    value instanceof EventTarget ||
    typeof it['pipe'] === 'function' ||
    typeof it['getReader'] === 'function' ||
    typeof it['emit'] === 'function' ||
    typeof it['subscribe'] === 'function' ||
    (typeof it['baseURL'] === 'string' && 'maxRetries' in it)
  );
}

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
