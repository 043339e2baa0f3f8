import { mapSubschemas, subschemasOf } from '../../../schema/subschemas.js';
import type { JsonSchema } from '../../../schema/schema.js';

/** The keywords of structured outputs, https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
const KNOWN = new Set([
  '$defs',
  '$ref',
  'additionalProperties',
  'anyOf',
  'const',
  'definitions',
  'description',
  'enum',
  'items',
  'oneOf',
  'properties',
  'required',
  'title',
  'type',
]);
/** Rejected keywords that a description can express; the answer is checked anyway. */
const SUPPORTED = new Set([
  'default',
  'examples',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'maxItems',
  'maxLength',
  'maximum',
  'minItems',
  'minLength',
  'minimum',
  'multipleOf',
  'pattern',
  'uniqueItems',
]);
const FORMATS: readonly unknown[] = [
  'date',
  'date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'time',
  'uri',
  'uuid',
];

/**
 * A schema in the form of Anthropic's structured outputs. Undefined if they cannot express it, for instance because of
 * open or recursive objects: they would enforce something else.
 */
export function toOutputSchema(schema: JsonSchema): JsonSchema | undefined {
  return isExpressible(schema) && !isRecursive(schema) ? convert(schema) : undefined;
}

function isExpressible(schema: JsonSchema): boolean {
  const { additionalProperties = false } = schema;
  return (
    additionalProperties === false &&
    Object.keys(schema).every((keyword) => KNOWN.has(keyword) || SUPPORTED.has(keyword)) &&
    subschemasOf(schema).every(isExpressible)
  );
}

/** Treated as recursive: a definition that refers to any definition, and a reference to the whole. */
function isRecursive({ $defs, definitions, ...rest }: JsonSchema): boolean {
  const shared = [$defs, definitions].flatMap(
    (named) => Object.values(named ?? {}) as JsonSchema[],
  );
  return shared.some((part) => hasReference(part, '#')) || hasReference(rest, '#/properties');
}

function hasReference(schema: JsonSchema, to: string): boolean {
  const { $ref } = schema;
  const isOne = typeof $ref === 'string' && ($ref === '#' || $ref.startsWith(to));
  return isOne || subschemasOf(schema).some((part) => hasReference(part, to));
}

function convert(schema: JsonSchema): JsonSchema {
  const kept: [string, unknown][] = [];
  const described: [string, unknown][] = [];
  for (const [keyword, value] of Object.entries(mapSubschemas(schema, convert))) {
    const name = keyword === 'oneOf' ? 'anyOf' : keyword;
    if (isKnown(keyword, value)) kept.push([name, value]);
    else if (!isNoLimit(value)) described.push([name, value]);
  }
  if (schema['type'] === 'object') kept.push(['additionalProperties', false]);
  if (described.length > 0) {
    const rules = described
      .map(([keyword, value]) => `${keyword}: ${JSON.stringify(value)}`)
      .join(', ');
    const { description } = schema;
    kept.push([
      'description',
      typeof description === 'string' ? `${description} (${rules})` : rules,
    ]);
  }
  return Object.fromEntries(kept);
}

/** The bounds that libraries write for any whole number. */
function isNoLimit(value: unknown): boolean {
  return value === Number.MAX_SAFE_INTEGER || value === Number.MIN_SAFE_INTEGER;
}

function isKnown(keyword: string, value: unknown): boolean {
  if (keyword === 'format') return FORMATS.includes(value);
  if (keyword === 'minItems') return value === 0 || value === 1;
  return KNOWN.has(keyword);
}
