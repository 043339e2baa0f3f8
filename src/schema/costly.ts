import { isSchemaObject } from './subschemas.js';

/** Keywords whose check can take longer than the size of a value suggests. */
const COSTLY = new Set([
  'pattern',
  'patternProperties',
  'uniqueItems',
  'contains',
  'unevaluatedItems',
  'unevaluatedProperties',
  // Schemas that refer to themselves twice check twice per level.
  '$ref',
  '$dynamicRef',
]);

/**
 * Whether a check by a schema can be slow even for a small value. Property names that equal keywords count too: they
 * make a check only slightly slower.
 */
export function isCostly(schema: unknown): boolean {
  const rest = [schema];
  while (rest.length > 0) {
    const part = rest.pop();
    if (Array.isArray(part)) rest.push(...(part as unknown[]));
    else if (isSchemaObject(part)) {
      if (Object.keys(part).some((keyword) => COSTLY.has(keyword))) return true;
      for (const value of Object.values(part)) rest.push(value);
    }
  }
  return false;
}

/** Whether a value has more than `count` values: numbers, texts, lists, objects. */
export function hasMoreValues(value: unknown, count: number): boolean {
  const rest = [value];
  for (let seen = 0; rest.length > 0; seen++) {
    const next = rest.pop();
    if (typeof next !== 'object' || next === null) continue;
    const items: unknown[] = Array.isArray(next) ? next : Object.values(next);
    if (seen + rest.length + items.length > count) return true;
    for (const item of items) rest.push(item);
  }
  return false;
}
