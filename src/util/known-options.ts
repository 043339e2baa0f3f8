import { sanitizeLogLine } from './log.js';

/** The maximum length of a name, which may come from anywhere. */
const MAX_NAME = 64;

/** The names of the options that something takes. */
export type OptionNames = ReadonlySet<string>;

/** The names of all options of `O`; does not compile if one is missing or unknown. */
export function optionNames<O extends object>(
  ...names: Record<keyof O & string, true>[]
): OptionNames {
  return new Set(names.flatMap((some) => Object.keys(some)));
}

/**
 * The first unknown option, as text for an error: `option "modle"; did you mean "model"? There are …`. `undefined` if
 * all are known.
 */
export function unknownOption(options: object, known: OptionNames): string | undefined {
  for (const name of Object.keys(options)) {
    if (known.has(name)) continue;
    const near = nearest(name, known);
    const hint = near === undefined ? '; there are' : `; did you mean "${near}"? There are`;
    return `option "${sanitizeLogLine(name.slice(0, MAX_NAME))}"${hint} ${[...known].join(', ')}`;
  }
  return undefined;
}

/** The kind of a value, for an error that must not show the value. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'function':
      return 'a function or class';
    case 'object':
      return 'an object';
    case 'string':
      return 'a text';
    default:
      return `a ${typeof value}`;
  }
}

/** Whether a value is an object that options can be read from. */
export function isOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The name that was probably meant. */
export function nearest(given: string, known: Iterable<string>): string | undefined {
  const letters = plain(given.slice(0, MAX_NAME));
  let best: string | undefined;
  let least = Infinity;
  for (const name of known) {
    const other = plain(name);
    const distance = editDistance(letters, other);
    const isLike =
      distance <= Math.max(1, Math.floor(Math.max(letters.length, other.length) / 3)) ||
      (letters.length >= 3 && (isWithin(letters, other) || letters.startsWith(other)));
    if (isLike && distance < least) {
      best = name;
      least = distance;
    }
  }
  return best;
}

/** A name without differences of notation: `max_output_tokens`, `maxOutputTokens`. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

/** Whether all letters of a text occur in another one, in the same order. */
function isWithin(letters: string, other: string): boolean {
  let at = -1;
  return Array.from(letters).every((letter) => (at = other.indexOf(letter, at + 1)) >= 0);
}

/** How many letters must be added, removed, changed or swapped with their neighbor to turn one text into another. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? before[j - 2]! + 1 : Infinity;
      next.push(Math.min(changed, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
