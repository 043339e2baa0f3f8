import { excessOf, MAX_CHECKED_NODES, MAX_DEPTH } from '../../../util/bounds.js';

/** A JSON object of unknown content. */
export type WireObject = Readonly<Record<string, unknown>>;

const NOTHING: WireObject = Object.freeze({});

/** The value as an object; empty if it is anything else, so that its fields can be read. */
export function objectOf(value: unknown): WireObject {
  return isObject(value) ? value : NOTHING;
}

export function isObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as a list; empty if it is not one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value if it is a text, `''` otherwise. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The value as the intended JSON text: a text as it is, nothing for nothing, the JSON of anything else. */
export function jsonTextOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // Nested too deeply to be serialized. This is not valid JSON, so nothing is done with it.
    return '{';
  }
}

/** Whether `JSON.stringify`, which recurses, can serialize a value anywhere in a request. Never throws. */
export function isWritable(value: unknown): boolean {
  return excessOf(value, { depth: MAX_DEPTH, nodes: MAX_CHECKED_NODES }) === undefined;
}

/** Whether a text is the JSON of an object, as the arguments of a tool must be. */
export function isJsonObject(text: string): boolean {
  return isObject(parsedJson(text));
}

/** The value of a JSON text; `undefined` if it is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
