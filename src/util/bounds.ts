/**
 * The bounds of every walk through a value that a model, a tool, a server, a store or an application made, in one place.
 * Walks are loops, never recursions: a value of any depth is met with a result, not with a `RangeError`.
 */

/**
 * Levels of lists and objects that are written. Low enough for every reader that recurses (`JSON.stringify` stops near
 * 4,000 levels, Redis' `cjson` at 1,000); what stands deeper becomes {@link TOO_DEEP}.
 */
export const MAX_DEPTH = 256;

/** Values that are written of one event, or of one other value: numbers, texts, lists, objects. */
export const MAX_NODES = 100_000;

/** Characters (UTF-16 units, of three UTF-8 bytes at most) of texts and keys that are written of one event or value: 16 Mi. */
export const MAX_TEXT_CHARS = 16_777_216;

/** What every field of an event may have even after the fields before it have used up the bounds of the event. */
export const MIN_FIELD_NODES = 1_000;
/** The same in characters. */
export const MIN_FIELD_CHARS = 65_536;

/**
 * An object that is mentioned again is written again, as if it were a copy, while such repeats are at most
 * `REPEATED_NODES + REPEATED_SHARE × (values written for the first time)`; later mentions become {@link SHARED}. So a
 * graph of objects is written in time and space linear to its size, and `usage` in two places is written twice.
 */
export const REPEATED_NODES = 10_000;
/** See {@link REPEATED_NODES}. */
export const REPEATED_SHARE = 4;

/** Times that a `toJSON` may return an object that has a `toJSON` again. */
export const MAX_CONVERSIONS = 16;

/**
 * Levels of arguments, answers and schemas: schema libraries recurse over them. Below {@link MAX_DEPTH}, so that what was
 * accepted is written whole in events, pending runs and jobs.
 */
export const MAX_CHECKED_DEPTH = 200;

/** Values of arguments and answers: as many as the largest arguments, of 1,000,000 characters, can hold. */
export const MAX_CHECKED_NODES = 1_000_000;

/** Values of a pending run, all of its parts together. */
export const MAX_PENDING_NODES = 10_000_000;

/** Values of a schema. */
export const MAX_SCHEMA_NODES = 100_000;

/** Stands for a list or an object below {@link MAX_DEPTH}. */
export const TOO_DEEP = '[cut: too deep]';
/** Ends a text or a list that was cut because the whole is too large; in an object, the value of the key {@link CUT_KEY}. */
export const TOO_LARGE = '[cut: too large]';
/** The last key of an object that was cut because the whole is too large. */
export const CUT_KEY = '[cut]';
/** Stands for a value whose getter, `toJSON` or proxy threw. */
export const UNREADABLE = '[unreadable]';
/** Stands for an object inside itself. */
export const CIRCULAR = '[Circular]';
/** Stands for an object that was written before, see {@link REPEATED_NODES}. */
export const SHARED = '[Shared]';

/** How deep and how large a value may be. */
export interface ValueBounds {
  /** Levels of lists and objects. */
  readonly depth: number;
  /** Values in all, an object counted as often as it is mentioned. */
  readonly nodes: number;
}

/** What is wrong with a value: `'deep'` also where it holds itself, `'unreadable'` where a getter or a proxy throws. */
export type Excess = 'deep' | 'large' | 'unreadable';

/** What is too much about a value for code that recurses over it; `undefined` where it is within bounds. Never throws. */
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
