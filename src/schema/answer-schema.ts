import type { CompiledSchema, ValidationResult } from './schema.js';
import { isSchemaObject } from './subschemas.js';
import { hasObjectRoot, wrapRoot, WRAPPING_PROPERTY } from './wrap-root.js';

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
