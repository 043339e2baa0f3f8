import type { JsonSchema } from './schema.js';
import { mapSubschemas, subschemasOf } from './subschemas.js';

/** Beside these keywords, closing an object would change the meaning of the whole schema. */
const COMPOSING = ['allOf', 'if', 'not', 'unevaluatedProperties'];

/**
 * The schema with every object closed that does not define whether it is open, as strict modes of providers require.
 * Unchanged if schemas are intersected, because a closed one would exclude the properties of the others.
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
