import type { KeywordDefinition } from 'ajv/dist/2020.js';

/**
 * `uniqueItems` in time that grows with the size of the list. Ajv's own compares each item with every other: seconds
 * for some thousands of objects.
 */
export const UNIQUE_ITEMS: KeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  errors: true,
  compile: (isUnique: boolean) => {
    const check = (items: readonly unknown[]): boolean => {
      check.errors = [];
      if (!isUnique) return true;
      const places = new Map<string, number>();
      for (let i = 0; i < items.length; i++) {
        const key = keyOf(items[i]);
        const j = places.get(key);
        if (j !== undefined) {
          const message = `must NOT have duplicate items (items ## ${j} and ${i} are identical)`;
          check.errors = [{ keyword: 'uniqueItems', message, params: { i, j } }];
          return false;
        }
        places.set(key, i);
      }
      return true;
    };
    check.errors = [] as object[];
    return check;
  },
};

/**
 * A text that is the same for equal values only, whatever the order of their keys; unlike canonical JSON, it also
 * distinguishes an undefined field from none. The depth of values is bounded.
 */
function keyOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`;
  const fields = Object.keys(value).toSorted();
  const from = value as Record<string, unknown>;
  return `{${fields.map((name) => `${JSON.stringify(name)}:${keyOf(from[name])}`).join()}}`;
}
