import {
  CIRCULAR,
  CUT_KEY,
  MAX_CONVERSIONS,
  MAX_DEPTH,
  MAX_NODES,
  MAX_TEXT_CHARS,
  REPEATED_NODES,
  REPEATED_SHARE,
  SHARED,
  TOO_DEEP,
  TOO_LARGE,
  UNREADABLE,
} from '../util/bounds.js';

/** How to copy values. A value whose rule throws is copied as unreadable. */
export interface CopyRules {
  /** The copy of a non-object; `undefined` omits it. */
  leaf(value: unknown): unknown;
  /**
   * The contents of an object, or a value to copy in its place.
   *
   * @param around the contents that hold the value
   * @param room how many values may still be copied
   */
  read(value: object, around: Contents | undefined, room: number): unknown;
}

/** The items of a list, or the fields of an object, while they are copied. */
export class Contents {
  readonly length: number;
  readonly out: unknown[] | Record<string, unknown>;
  /** The original object, if it is a different one. */
  origin: object | undefined;
  /** Whether the object, or an object that contains it, was already copied. */
  isRepeated = false;
  index = 0;

  /**
   * @param from a list, or an object
   * @param keys the object's keys to copy
   * @param mediaType the media type of its bytes
   */
  constructor(
    readonly from: object,
    readonly keys?: readonly string[],
    readonly mediaType?: unknown,
  ) {
    this.out = keys === undefined ? [] : {};
    this.length = keys === undefined ? (from as unknown[]).length : keys.length;
  }

  is(value: object): boolean {
    return this.from === value || this.origin === value;
  }

  /** The key of the next value. */
  get key(): string {
    return this.keys === undefined ? String(this.index) : this.keys[this.index]!;
  }

  /** The next value; throws if its getter throws. */
  read(): unknown {
    const { from, keys, index } = this;
    if (keys === undefined) return (from as unknown[])[index];
    return (from as Record<string, unknown>)[keys[index]!];
  }

  /** Writes the next value: lists keep their positions, objects omit values that JSON cannot represent. */
  put(value: unknown): void {
    const { out, keys, index } = this;
    this.index++;
    if (Array.isArray(out)) out.push(value ?? null);
    else if (value !== undefined) define(out, keys![index]!, value);
  }

  /** Omits the rest, and marks the cut. */
  cut(): void {
    if (Array.isArray(this.out)) this.out.push(TOO_LARGE);
    else this.out[CUT_KEY] = TOO_LARGE;
    this.index = this.length;
  }
}

/** The copy of a non-object: values that JSON cannot represent are omitted, BigInt become strings. */
export function leafOf(value: unknown, oddNumber: (number: number) => string | null): unknown {
  switch (typeof value) {
    case 'bigint':
      return String(value);
    case 'number':
      return Number.isFinite(value) ? value : oddNumber(value);
    case 'function':
    case 'symbol':
      return undefined;
    default:
      return value;
  }
}

/** The result of an object's `toJSON`. */
export function callToJson(toJSON: unknown, value: object, args: readonly unknown[]): unknown {
  const made = Reflect.apply(toJSON as () => unknown, value, args) as unknown;
  // An asynchronous result is not awaited; its rejection must not end the process.
  if (made instanceof Promise) made.catch(() => undefined);
  return made;
}

/** The bounds of a copy. */
export interface CopyBounds {
  /** Levels of lists and objects. */
  readonly depth: number;
  readonly nodes: number;
  /** Characters of texts and keys. */
  readonly chars: number;
}

const BOUNDS: CopyBounds = { depth: MAX_DEPTH, nodes: MAX_NODES, chars: MAX_TEXT_CHARS };

/**
 * Copies values into plain JSON, within bounds. It loops over an explicit stack and terminates for every value, and
 * `JSON.stringify` can always write the result. Omitted parts are marked in place.
 */
export class BoundedCopy {
  /** The marks written so far: empty if the copy is complete. */
  readonly marks = new Set<string>();
  #nodes: number;
  #chars: number;
  #repeats = REPEATED_NODES;
  #seen: Set<object> | undefined;
  #stack: Contents[] = [];

  constructor(
    private readonly rules: CopyRules,
    private readonly bounds = BOUNDS,
  ) {
    this.#nodes = bounds.nodes;
    this.#chars = bounds.chars;
  }

  /** Guarantees the next value a minimum, whatever was copied before. */
  atLeast(nodes: number, chars: number): void {
    if (this.#nodes < nodes) this.#nodes = nodes;
    if (this.#chars < chars) this.#chars = chars;
  }

  /** The copy; `undefined` if JSON cannot represent the value. Several values share the bounds, not their objects. */
  copy(value: unknown): unknown {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (value === undefined || typeof value === 'boolean') return value;
    this.#repeats = REPEATED_NODES;
    this.#seen = undefined;
    const root = this.#copyOf(value, undefined);
    if (!(root instanceof Contents)) return root;
    this.#stack.push(root);
    while (this.#stack.length > 0) this.#step(this.#stack.at(-1)!);
    return root.out;
  }

  #step(contents: Contents): void {
    const { index, length, keys } = contents;
    if (index >= length) {
      this.#stack.pop();
      return;
    }
    const keyChars = keys === undefined ? 0 : keys[index]!.length;
    if (this.#nodes <= 0 || this.#chars <= keyChars) {
      this.#mark(TOO_LARGE);
      contents.cut();
      return;
    }
    let copy: unknown;
    try {
      copy = this.#copyOf(contents.read(), contents);
    } catch {
      copy = this.#mark(UNREADABLE);
    }
    if (copy !== undefined) this.#chars -= keyChars;
    if (copy instanceof Contents) {
      contents.put(copy.out);
      this.#stack.push(copy);
    } else contents.put(copy);
  }

  /** The copy of a value: a leaf, or contents that are still to be copied. */
  #copyOf(value: unknown, around: Contents | undefined): unknown {
    this.#nodes--;
    if (around?.isRepeated) this.#repeats--;
    else this.#repeats += REPEATED_SHARE;
    if (typeof value === 'string') return this.#text(value);
    if (value === null) return null;
    return typeof value === 'object'
      ? this.#enter(value, around)
      : this.#leaf(this.rules.leaf(value));
  }

  #leaf(value: unknown): unknown {
    return typeof value === 'string' ? this.#text(value) : value;
  }

  #enter(value: object, around: Contents | undefined): unknown {
    let current = value;
    for (let turn = 0; turn < MAX_CONVERSIONS; turn++) {
      const isKnown = this.#isKnown(current);
      if (isKnown && this.#stack.some((one) => one.is(current))) return this.#mark(CIRCULAR);
      if (isKnown && this.#repeats <= 0) return this.#mark(SHARED);
      const read = this.#read(current, around);
      if (read instanceof Contents) {
        if (this.#stack.length >= this.bounds.depth) return this.#mark(TOO_DEEP);
        read.isRepeated = isKnown || (around?.isRepeated ?? false);
        if (read.from !== value) read.origin = value;
        return read;
      }
      if (typeof read !== 'object' || read === null) {
        return this.#leaf(typeof read === 'object' ? read : this.rules.leaf(read));
      }
      // The result of toJSON; usually the value itself if it has none.
      if (read === value) return this.#mark(CIRCULAR);
      current = read;
    }
    return this.#mark(TOO_DEEP);
  }

  #read(value: object, around: Contents | undefined): unknown {
    try {
      return this.rules.read(value, around, this.#nodes);
    } catch {
      return this.#mark(UNREADABLE);
    }
  }

  /** Whether an object already occurred in the same value. */
  #isKnown(value: object): boolean {
    const seen = (this.#seen ??= new Set());
    const before = seen.size;
    return seen.add(value).size === before;
  }

  #text(text: string): string {
    if (text.length <= this.#chars) {
      this.#chars -= text.length;
      return text;
    }
    // Do not cut between surrogates.
    const begin = text.slice(0, Math.max(0, this.#chars)).replace(/[\uD800-\uDBFF]$/, '');
    this.#chars = 0;
    return begin + this.#mark(TOO_LARGE);
  }

  #mark(mark: string): string {
    this.marks.add(mark);
    return mark;
  }
}

/** Defines properties, so that a key named `__proto__` stays a key. */
function define(out: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') out[key] = value;
  else
    Object.defineProperty(out, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
}
