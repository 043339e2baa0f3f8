import { MAX_CHECKED_NODES, MAX_DEPTH, TOO_DEEP, TOO_LARGE } from '../util/bounds.js';
import { plainName, SECRET_NAMES } from '../util/named-secrets.js';
import { REDACTED, withoutSecrets } from '../util/secrets.js';
import { parseExact, writeExact } from './exact-json.js';
import { toGlobal, type RedactOptions } from './redact-options.js';
import { below, type PathNodes, toPathNodes } from './redact-paths.js';
import type { Redactor } from './redactor.js';

/** An event that contains an event is two levels deeper than other values. */
const MAX_LEVELS = MAX_DEPTH + 8;
/** How often JSON inside JSON is read; further texts are replaced. */
const MAX_TEXT_LEVELS = 8;
/** The fields that have the value of a pair whose name is in another field. */
const PAIR_VALUES: ReadonlySet<string> = new Set(['value', 'values', 'val']);
const PAIR_NAMES = ['name', 'key', 'header', 'field', 'Name', 'Key', 'Header', 'Field'];

/** The state of one redaction. */
interface Reading {
  /** How many values may still be read, in all texts of JSON together. */
  readonly budget: { nodes: number };
  /** How many texts of JSON are around. */
  readonly level: number;
  /** How many lists and objects may be around. */
  readonly depth: number;
  /** The begin of texts that are numbers. */
  readonly mark: string | undefined;
}

/**
 * Replaces texts, lists and objects under the keys and paths of secrets, and what looks like a secret in all other
 * texts. Returns unchanged parts as they are, never changes the given value, and never replaces numbers.
 */
export class ContentRedactor implements Redactor {
  readonly #names: ReadonlySet<string>;
  readonly #paths: PathNodes;
  readonly #patterns: readonly RegExp[];
  readonly #replacement: string;

  constructor({
    keys = [],
    paths = [],
    patterns = [],
    replacement = REDACTED,
  }: RedactOptions = {}) {
    this.#names = new Set([...SECRET_NAMES, ...keys.map(plainName)]);
    this.#paths = toPathNodes(paths);
    this.#patterns = patterns.map(toGlobal);
    this.#replacement = replacement;
  }

  redact(value: unknown): unknown {
    const budget = { nodes: MAX_CHECKED_NODES };
    return this.#value(value, this.#paths, {
      budget,
      level: 0,
      depth: MAX_LEVELS,
      mark: undefined,
    });
  }

  #value(root: unknown, paths: PathNodes, reading: Reading): unknown {
    if (typeof root !== 'object' || root === null) return this.#leaf(root, paths, reading);
    const stack = [new Frame(root, paths, undefined)];
    for (;;) {
      const frame = stack.at(-1)!;
      if (frame.isDone) {
        stack.pop();
        const around = stack.at(-1);
        if (around === undefined) return frame.result;
        around.put(frame.result);
        continue;
      }
      const { key, value } = frame;
      const at = below(frame.paths, key);
      if (frame.keys !== undefined) frame.rename(this.#key(key));
      if (--reading.budget.nodes < 0) frame.put(TOO_LARGE);
      else if (this.#isSecret(frame, at)) frame.put(this.#replaced(value, reading));
      else if (typeof value !== 'object' || value === null)
        frame.put(this.#leaf(value, at, reading));
      else if (stack.length >= reading.depth) frame.put(TOO_DEEP);
      else stack.push(new Frame(value, at, frame));
    }
  }

  /** Whether the next value of a frame is one of a key or a path. */
  #isSecret(frame: Frame, at: PathNodes): boolean {
    if (at.some(({ isEnd }) => isEnd)) return true;
    return frame.namesOfValue().some((name) => this.#isSecretName(name));
  }

  #isSecretName(name: string): boolean {
    return name.length <= MAX_NAME && this.#names.has(plainName(name));
  }

  #replaced(value: unknown, { mark }: Reading): unknown {
    if (isNumber(value, mark)) return value;
    const isContent = typeof value === 'string' || (typeof value === 'object' && value !== null);
    return isContent ? this.#replacement : value;
  }

  /** Keys of objects may be secrets, too: a map of sessions by their tokens. */
  #key(key: string): string {
    return key.length < MIN_SECRET ? key : this.#plainText(key);
  }

  #leaf(value: unknown, paths: PathNodes, reading: Reading): unknown {
    if (typeof value !== 'string' || isNumber(value, reading.mark)) return value;
    if (!/^\s*["[{]/.test(value)) return this.#plainText(value);
    const json = parseExact(value);
    if (json === undefined) return this.#plainText(value);
    if (reading.level >= MAX_TEXT_LEVELS) return TOO_DEEP;
    const { budget, level } = reading;
    const inside = (depth: number) =>
      this.#value(json.value, paths, { budget, level: level + 1, depth, mark: json.mark });
    const safe = inside(Infinity);
    // Of two fields of one name, the first is in the text only.
    if (safe === json.value && this.#plainText(value) === value) return value;
    // JSON.stringify is recursive.
    return writeExact(safe, json) ?? writeExact(inside(MAX_LEVELS), json) ?? TOO_DEEP;
  }

  #plainText(text: string): string {
    let safe = withoutSecrets(text, this.#replacement, this.#names);
    for (const pattern of this.#patterns) safe = safe.replace(pattern, () => this.#replacement);
    return safe;
  }
}

/** Longer names are none of a secret. */
const MAX_NAME = 128;
/** Shorter texts are none. */
const MIN_SECRET = 8;

/** Whether a text is a number that JavaScript would write otherwise. */
function isNumber(value: unknown, mark: string | undefined): boolean {
  return mark !== undefined && typeof value === 'string' && value.startsWith(mark);
}

/** A list or an object while it is read; copied when something in it changes. */
class Frame {
  readonly keys: readonly string[] | undefined;
  readonly #length: number;
  #index = 0;
  #copy: unknown[] | Record<string, unknown> | undefined;
  /** The names of an object's fields, if some were changed. */
  #names: string[] | undefined;

  constructor(
    private readonly from: object,
    readonly paths: PathNodes,
    private readonly around: Frame | undefined,
  ) {
    this.keys = Array.isArray(from) ? undefined : Object.keys(from);
    this.#length = this.keys?.length ?? (from as unknown[]).length;
  }

  get isDone(): boolean {
    return this.#index >= this.#length;
  }

  /** The key of the next value. */
  get key(): string {
    return this.keys === undefined ? String(this.#index) : this.keys[this.#index]!;
  }

  /** The next value. */
  get value(): unknown {
    return (this.from as Record<string, unknown>)[this.key];
  }

  /** The names that the next value has: its key, and those in pairs like `['Authorization', '…']`. */
  namesOfValue(): string[] {
    const { from, key, keys, around } = this;
    if (keys === undefined) {
      const list = from as unknown[];
      const isPair = list.length === 2 && around !== undefined && around.keys === undefined;
      const isFlat = around?.keys !== undefined && plainName(around.key) === 'rawheaders';
      if (!(isPair || isFlat) || this.#index % 2 === 0) return [];
      return texts([list[this.#index - 1]]);
    }
    if (!PAIR_VALUES.has(key.toLowerCase())) return [key];
    const fields = from as Record<string, unknown>;
    return [key, ...texts(PAIR_NAMES.map((name) => own(fields, name)))];
  }

  /** Gives the next field a name. */
  rename(name: string): void {
    if (name === this.key) return;
    this.#names ??= [...this.keys!];
    this.#names[this.#index] = name;
  }

  /** Writes the next value. */
  put(value: unknown): void {
    if (value !== this.value) {
      this.#copy ??= Array.isArray(this.from) ? [...(this.from as unknown[])] : { ...this.from };
      // A key named __proto__ stays a key.
      Object.defineProperty(this.#copy, this.key, { ...PLAIN, value });
    }
    this.#index++;
  }

  get result(): unknown {
    const result = this.#copy ?? this.from;
    if (this.#names === undefined) return result;
    const made = new Map<string, unknown>();
    for (const [index, name] of this.#names.entries()) {
      const value = (result as Record<string, unknown>)[this.keys![index]!];
      made.set(made.has(name) ? `${name} ${index}` : name, value);
    }
    return Object.fromEntries(made);
  }
}

const PLAIN = { enumerable: true, configurable: true, writable: true };

function texts(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string');
}

function own(fields: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
