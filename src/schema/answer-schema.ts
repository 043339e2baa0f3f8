import type { CompiledSchema, JsonSchema, ValidationResult } from './schema.js';
import { isSchemaObject, mapSubschemas } from './strict.js';

/** The schema of a whole answer, in the form that providers accept. */
export interface AnswerSchema<T = unknown> extends CompiledSchema<T> {
  /** Whether `jsonSchema` describes an object around the value. `validate` still returns the value itself. */
  readonly isWrapped: boolean;
}

/**
 * Prepares a schema for answers. Providers require an object at the root: any other value (a list, a text, a union of
 * objects …) is requested as the property `value` of an object.
 */
export function toAnswerSchema<T>(schema: CompiledSchema<T>): AnswerSchema<T> {
  const { jsonSchema, validate } = schema;
  if (hasObjectRoot(jsonSchema)) return { jsonSchema, validate, isWrapped: false };
  return {
    jsonSchema: wrapRoot(jsonSchema),
    validate: (answer) => validateWrapped(schema, answer),
    isWrapped: true,
  };
}

/** The value in an answer that has the form of a wrapped one. */
export function unwrapped(answer: unknown): { readonly value: unknown } | undefined {
  if (!isSchemaObject(answer) || !Object.hasOwn(answer, WRAPPING_PROPERTY)) return undefined;
  return { value: answer[WRAPPING_PROPERTY] };
}

type Checked<T> = ValidationResult<T> | Promise<ValidationResult<T>>;

/**
 * The wrapped form takes precedence; models on which the schema is not enforced may also answer with the bare value.
 */
function validateWrapped<T>({ validate }: CompiledSchema<T>, answer: unknown): Checked<T> {
  const inside = unwrapped(answer);
  if (inside === undefined) {
    return orElse(validate(answer), ({ issues }) => ({
      issues: `must be an object with the property "${WRAPPING_PROPERTY}"; as the value itself: ${issues}`,
    }));
  }
  return orElse(validate(inside.value), ({ issues }) =>
    orElse(validate(answer), () => ({ issues: `in "${WRAPPING_PROPERTY}": ${issues}` })),
  );
}

type Mismatch = { readonly issues: string };

/** A result, or the replacement for a mismatch; a promise only if a check is one. */
function orElse<T>(checked: Checked<T>, instead: (mismatch: Mismatch) => Checked<T>): Checked<T> {
  const choose = (result: ValidationResult<T>) => ('issues' in result ? instead(result) : result);
  return checked instanceof Promise ? checked.then(choose) : choose(checked);
}

/** The property that holds a wrapped value. */
const WRAPPING_PROPERTY = 'value';

/** What stays at the root: references point to definitions there, and an id names the whole. */
const ROOT_KEYWORDS = ['$defs', '$id', 'definitions'];
/** With these, providers reject a root even if it has `type: 'object'`. */
const REFUSED_KEYWORDS = ['anyOf', 'const', 'enum', 'oneOf'];
const REFERENCES = ['$ref', '$dynamicRef'];

/** Whether providers accept a schema for a whole answer: its root is a plain object. */
function hasObjectRoot(schema: JsonSchema): boolean {
  return schema['type'] === 'object' && !REFUSED_KEYWORDS.some((keyword) => keyword in schema);
}

/** The schema of an object whose one property, `value`, is what the given schema describes. */
function wrapRoot(schema: JsonSchema): JsonSchema {
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
