import type { JsonSchema } from './schema.js';
import { mapSubschemas, subschemasOf } from './subschemas.js';

/** Beside these, closing an object would say something else about the whole. */
const COMPOSING = ['allOf', 'if', 'not', 'unevaluatedProperties'];

/**
 * The schema with every object closed that does not say whether it is open: strict modes of providers want it so.
 * Unchanged where schemas are intersected, because a closed one would shut out the properties of the others.
 */
export function closeObjects(schema: JsonSchema): JsonSchema {
  return isComposed(schema) ? schema : close(schema);
}

function close(schema: JsonSchema): JsonSchema {
  const closed = mapSubschemas(schema, close);
  const isSilent = schema['type'] === 'object' && !('additionalProperties' in schema);
  return isSilent ? { ...closed, additionalProperties: false } : closed;
}

function isComposed(schema: JsonSchema): boolean {
  return COMPOSING.some((keyword) => keyword in schema) || subschemasOf(schema).some(isComposed);
}
