import type { JsonSchema } from './schema.js';

/**
 * The keywords of OpenAI's strict mode, https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
 */
const KEYWORDS = new Set([
  '$defs',
  '$ref',
  'additionalProperties',
  'anyOf',
  'const',
  'description',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'items',
  'maxItems',
  'maximum',
  'minItems',
  'minimum',
  'multipleOf',
  'pattern',
  'properties',
  'required',
  'title',
  'type',
]);
const FORMATS = new Set([
  'date',
  'date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'time',
  'uuid',
]);
const MAX_DEPTH = 10;
const LOOKAROUND = /\(\?<?[=!]/;

/**
 * Whether OpenAI's strict mode accepts a schema: an object whose objects are all closed and require all their
 * properties, recursively, with supported keywords only. In doubt it does not: the schema then only guides the model,
 * and the answer is checked anyway.
 */
export function isStrict(schema: JsonSchema): boolean {
  return schema['type'] === 'object' && !('anyOf' in schema) && isStrictPart(schema, 1);
}

function isStrictPart(schema: JsonSchema, depth: number): boolean {
  const keywords = Object.keys(schema);
  if ('$ref' in schema)
    return keywords.every((keyword) => keyword === '$ref' || keyword === '$defs');
  return (
    depth <= MAX_DEPTH &&
    keywords.every((keyword) => KEYWORDS.has(keyword)) &&
    saysWhatItIs(schema) &&
    isStrictObject(schema) &&
    isStrictText(schema) &&
    subschemasOf(schema).every((part) => isStrictPart(part, depth + 1))
  );
}

function saysWhatItIs(schema: JsonSchema): boolean {
  const isList = schema['type'] === 'array';
  return (
    ['type', 'anyOf', 'enum', 'const'].some((keyword) => keyword in schema) &&
    (!isList || isSchemaObject(schema['items']))
  );
}

function isStrictObject({ type, properties = {}, required = [], ...rest }: JsonSchema): boolean {
  const isObject = type === 'object' || (Array.isArray(type) && type.includes('object'));
  if (!isObject) return true;
  if (!isSchemaObject(properties) || !Array.isArray(required)) return false;
  return (
    rest['additionalProperties'] === false &&
    Object.entries(properties).every(
      ([name, part]) => isSchemaObject(part) && required.includes(name),
    )
  );
}

function isStrictText({ format, pattern }: JsonSchema): boolean {
  return (
    (format === undefined || FORMATS.has(format as string)) &&
    (pattern === undefined || !LOOKAROUND.test(pattern as string))
  );
}

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
