import type { JsonSchema } from './schema.js';
import { isSchemaObject, subschemasOf } from './subschemas.js';

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
