import type { JsonSchema } from './schema.js';

/** Keywords whose value is a schema, a list of schemas, or schemas by name. Values of others (`const` …) are data. */
const ONE = [
  'additionalProperties',
  'contains',
  'contentSchema',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const LISTS = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const NAMED = ['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties'];

/** Whether a subschema is an object: `true` and `false` are schemas too. */
export function isSchemaObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy of a schema with its direct subschemas replaced by `map`. */
export function mapSubschemas(
  schema: JsonSchema,
  map: (part: JsonSchema) => JsonSchema,
): JsonSchema {
  const mapPart = (part: unknown): unknown => (isSchemaObject(part) ? map(part) : part);
  const entries = Object.entries(schema).map(([keyword, value]): [string, unknown] => {
    if (ONE.includes(keyword)) return [keyword, mapPart(value)];
    if (LISTS.includes(keyword) && Array.isArray(value)) return [keyword, value.map(mapPart)];
    if (!NAMED.includes(keyword) || !isSchemaObject(value)) return [keyword, value];
    const parts = Object.entries(value).map(([name, part]) => [name, mapPart(part)] as const);
    return [keyword, Object.fromEntries(parts)];
  });
  return Object.fromEntries(entries);
}

/** The direct subschemas of a schema. */
export function subschemasOf(schema: JsonSchema): JsonSchema[] {
  const parts: JsonSchema[] = [];
  mapSubschemas(schema, (part) => {
    parts.push(part);
    return part;
  });
  return parts;
}
