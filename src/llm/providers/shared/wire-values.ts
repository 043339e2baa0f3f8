import { excessOf, MAX_CHECKED_NODES, MAX_DEPTH } from '../../../util/bounds.js';

/** A JSON object of which nothing is known. */
export type WireObject = Readonly<Record<string, unknown>>;

const NOTHING: WireObject = Object.freeze({});

/** The value as an object; an empty one where it is anything else, so that its fields can be asked for. */
export function objectOf(value: unknown): WireObject {
  return isObject(value) ? value : NOTHING;
}

export function isObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as a list; empty where it is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value where it is a text, `''` otherwise. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The value as the JSON text that was meant: a text as it is, nothing for nothing, the JSON of anything else. */
export function jsonTextOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // Nested more deeply than it can be written. What is left is no JSON, so that nothing is done with it.
    return '{';
  }
}

/** Whether `JSON.stringify`, which recurses, can write a value wherever it stands in a request. Never throws. */
export function isWritable(value: unknown): boolean {
  return excessOf(value, { depth: MAX_DEPTH, nodes: MAX_CHECKED_NODES }) === undefined;
}

/** Whether a text is the JSON of an object, and so what a tool can be called with. */
export function isJsonObject(text: string): boolean {
  return isObject(parsedJson(text));
}

/** What a text says as JSON; `undefined` where it says nothing. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
