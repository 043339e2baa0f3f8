/**
 * The bounds of every traversal of a value from a model, a tool, a server, a store or an application, in one place.
 * Traversals are loops, never recursive: a value of any depth gives a result, not a `RangeError`.
 */

/**
 * The maximum levels of lists and objects that are written. Low enough for every recursive reader (`JSON.stringify`
 * stops near 4,000 levels, Redis' `cjson` at 1,000); deeper values become {@link TOO_DEEP}.
 */
export const MAX_DEPTH = 256;

/** The maximum values written for one event, or for another single value: numbers, texts, lists, objects. */
export const MAX_NODES = 100_000;

/**
 * The maximum characters (UTF-16 units, at most three UTF-8 bytes each) of texts and keys written for one event or
 * value: 16 Mi.
 */
export const MAX_TEXT_CHARS = 16_777_216;

/** The minimum for every field of an event, even after earlier fields have used up the bounds of the event. */
export const MIN_FIELD_NODES = 1_000;
/** The same in characters. */
export const MIN_FIELD_CHARS = 65_536;

/**
 * An object that occurs again is written again, as if it were a copy, while such repeats are at most
 * `REPEATED_NODES + REPEATED_SHARE × (values written for the first time)`; later occurrences become {@link SHARED}. So
 * an object graph is written in time and space linear in its size, and `usage` in two places is written twice.
 */
export const REPEATED_NODES = 10_000;
/** See {@link REPEATED_NODES}. */
export const REPEATED_SHARE = 4;

/** How many times a `toJSON` may return an object with another `toJSON`. */
export const MAX_CONVERSIONS = 16;

/**
 * The maximum levels of arguments, answers and schemas, over which schema libraries recurse. Below {@link MAX_DEPTH},
 * so that accepted values are written whole in events, pending runs and jobs.
 */
export const MAX_CHECKED_DEPTH = 200;

/** The maximum values in arguments and answers: as many as the largest arguments, of 1,000,000 characters, can hold. */
export const MAX_CHECKED_NODES = 1_000_000;

/** The maximum values in a pending run, all its parts together. */
export const MAX_PENDING_NODES = 10_000_000;

/** The maximum values in a schema. */
export const MAX_SCHEMA_NODES = 100_000;

/** Replaces a list or an object below {@link MAX_DEPTH}. */
export const TOO_DEEP = '[cut: too deep]';
/** Ends a text or a list that was cut because the whole is too large; in an object, the value of the key {@link CUT_KEY}. */
export const TOO_LARGE = '[cut: too large]';
/** The last key of an object that was cut because the whole is too large. */
export const CUT_KEY = '[cut]';
/** Replaces a value whose getter, `toJSON` or proxy threw. */
export const UNREADABLE = '[unreadable]';
/** Replaces an object inside itself. */
export const CIRCULAR = '[Circular]';
/** Replaces an object that was already written, see {@link REPEATED_NODES}. */
export const SHARED = '[Shared]';

/** How deep and how large a value may be. */
interface ValueBounds {
  /** Levels of lists and objects. */
  readonly depth: number;
  /** All values; an object counts each time it occurs. */
  readonly nodes: number;
}

/** What exceeds the bounds: `'deep'` also for a circular value, `'unreadable'` if a getter or a proxy throws. */
export type Excess = 'deep' | 'large' | 'unreadable';

/** How a value exceeds the bounds of recursive code; `undefined` if it is within bounds. Never throws. */
export function excessOf(value: unknown, bounds: ValueBounds): Excess | undefined {
  try {
    return findExcess(value, bounds);
  } catch {
    return 'unreadable';
  }
}

function findExcess(root: unknown, { depth, nodes }: ValueBounds): Excess | undefined {
  const rest: unknown[] = [root];
  const levels: number[] = [0];
  for (let seen = 1; rest.length > 0;) {
    const value = rest.pop();
    const level = levels.pop()!;
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) continue;
    if (level >= depth) return 'deep';
    const keys = Array.isArray(value) ? undefined : Object.keys(value);
    const from = value as Record<string | number, unknown>;
    const size = keys === undefined ? (value as unknown[]).length : keys.length;
    seen += size;
    if (seen > nodes) return 'large';
    for (let i = 0; i < size; i++) {
      const item = from[keys === undefined ? i : keys[i]!];
      if (typeof item !== 'object' || item === null) continue;
      rest.push(item);
      levels.push(level + 1);
    }
  }
  return undefined;
}
