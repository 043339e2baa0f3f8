import type { JsonSchema } from './schema.js';
import { mapSubschemas } from './subschemas.js';

/** The property that holds a wrapped value. */
export const WRAPPING_PROPERTY = 'value';

/** What stays at the root: references point to definitions there, and an id names the whole. */
const ROOT_KEYWORDS = ['$defs', '$id', 'definitions'];
/** With these, providers reject a root even if it has `type: 'object'`. */
const REFUSED_KEYWORDS = ['anyOf', 'const', 'enum', 'oneOf'];
const REFERENCES = ['$ref', '$dynamicRef'];

/** Whether providers accept a schema for a whole answer: its root is a plain object. */
export function hasObjectRoot(schema: JsonSchema): boolean {
  return schema['type'] === 'object' && !REFUSED_KEYWORDS.some((keyword) => keyword in schema);
}

/** The schema of an object whose one property, `value`, is what the given schema describes. */
export function wrapRoot(schema: JsonSchema): JsonSchema {
  const entries = Object.entries(moveReferences(schema));
  return {
    ...Object.fromEntries(entries.filter(([keyword]) => ROOT_KEYWORDS.includes(keyword))),
    type: 'object',
    properties: {
      [WRAPPING_PROPERTY]: Object.fromEntries(
        entries.filter(([keyword]) => !ROOT_KEYWORDS.includes(keyword)),
      ),
    },
    required: [WRAPPING_PROPERTY],
    additionalProperties: false,
  };
}

/** A copy whose path references point to the new places of their targets. */
function moveReferences(schema: JsonSchema): JsonSchema {
  const moved = mapSubschemas(schema, (part) =>
    // References below a nested `$id` start there.
    '$id' in part ? part : moveReferences(part),
  );
  const changed: Record<string, unknown> = {};
  for (const keyword of REFERENCES) {
    const reference = moved[keyword];
    if (typeof reference === 'string') changed[keyword] = movedPath(reference);
  }
  return { ...moved, ...changed };
}

/** `#` is the whole, and `#/…` a path in it; `#name` is an anchor, which is found anywhere. */
function movedPath(reference: string): string {
  if (reference !== '#' && !reference.startsWith('#/')) return reference;
  const [, first = ''] = reference.split('/');
  if (ROOT_KEYWORDS.includes(first)) return reference;
  return `#/properties/${WRAPPING_PROPERTY}${reference.slice(1)}`;
}
