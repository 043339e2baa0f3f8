import { inspect, isDeepStrictEqual } from 'node:util';
import type { Outcome } from './play.js';

const SHOWN = 600;

function shown(value: unknown): string {
  const text = inspect(value, { depth: 8, breakLength: Infinity });
  return text.length > SHOWN ? `${text.slice(0, SHOWN)} …` : text;
}

/** The differences between what a raw and an observed client did and gave. */
export function differencesOf(raw: Outcome, observed: Outcome): string[] {
  const parts = ['got', 'thrown', 'requests', 'aborted'] as const;
  return parts.flatMap((part) =>
    differences(part, inOneRealm(raw[part]), inOneRealm(observed[part])),
  );
}

/** The runner has plain objects and arrays of two realms: of Node's own `fetch`, and of what the tests load. */
function inOneRealm(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value, inOneRealm);
  if (typeof value === 'function') return BUILT_IN.get(value.name) ?? value;
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inOneRealm(one)]));
}

const BUILT_IN = new Map<string, unknown>([
  ['Object', Object],
  ['SyntaxError', SyntaxError],
]);

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== null && Object.getPrototypeOf(prototype) === null;
}

function differences(name: string, raw: unknown, observed: unknown): string[] {
  if (isDeepStrictEqual(raw, observed)) return [];
  if (Array.isArray(raw) && Array.isArray(observed)) {
    const length = Math.max(raw.length, observed.length);
    const first = Array.from({ length }, (_, i) => i).find(
      (i) => !isDeepStrictEqual(raw[i], observed[i]),
    );
    if (first !== undefined)
      return [
        `${name}[${first}] of ${raw.length}: raw ${shown(raw[first])}, observed ${shown(observed[first])}`,
        `(${observed.length} observed)`,
      ];
  }
  return [`${name}: raw ${shown(raw)}, observed ${shown(observed)}`];
}
