import { excessOf, MAX_CHECKED_DEPTH, MAX_CHECKED_NODES } from '../util/bounds.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { closeObjects } from './close-objects.js';
import { hasMoreValues, isCostly } from './costly.js';
import { describeFailure, describeIssues, TOO_MUCH, type Issue } from './issues.js';
import { JsonSchemaValidators } from './json-schema-validator.js';
import { schemaExcess } from './schema-bounds.js';
import type { CompiledSchema, JsonSchema, Schema, ValidationResult } from './schema.js';
import type {
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1,
} from './standard-schema.js';

const TARGET = 'draft-2020-12';
/** Up to this number of values, any check without costly rules is fast. */
const FEW_VALUES = 1_000;

/**
 * Compiles a schema for sending and for checking.
 *
 * @param place the owner of the schema, for errors: `'the tool "refund"'`
 * @param validators best shared by many schemas; a `SchemaCache` ensures that
 * @throws CallbacksConfigurationError if it is not a schema, is invalid, or cannot be written as JSON Schema
 */
export function compileSchema<T>(
  schema: Schema<T>,
  place: string,
  validators = new JsonSchemaValidators(),
): CompiledSchema<T> {
  if (isStandardSchema(schema)) return compileStandardSchema(schema, place, validators);
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new CallbacksConfigurationError(
      `The schema of ${place} must be a Standard Schema (zod 4 …) or a JSON Schema object.`,
    );
  }
  return compilePlainSchema<T>(schema, place, validators);
}

function isStandardSchema<T>(schema: Schema<T>): schema is StandardSchemaV1<unknown, T> {
  // Some libraries' schemas are functions.
  return Object(schema) === schema && '~standard' in schema;
}

function compilePlainSchema<T>(
  schema: JsonSchema,
  place: string,
  validators: JsonSchemaValidators,
): CompiledSchema<T> {
  try {
    const jsonSchema = toPlainJson(schema);
    const validate = validators.compile<T>(jsonSchema);
    return { jsonSchema, validate: withinBounds(validate, jsonSchema, validators) };
  } catch (cause) {
    throw new CallbacksConfigurationError(
      `The JSON Schema of ${place} is not valid (draft 2020-12): ${messageOf(cause)}`,
      { cause },
    );
  }
}

function compileStandardSchema<T>(
  schema: StandardSchemaV1<unknown, T>,
  place: string,
  validators: JsonSchemaValidators,
): CompiledSchema<T> {
  const standard = schema['~standard'];
  const { vendor, jsonSchema: converter } = standard;
  if (converter === undefined) {
    throw new CallbacksConfigurationError(
      `The schema of ${place} cannot be written as JSON Schema by its library ("${vendor}"): use a library that supports ` +
        'Standard JSON Schema (zod 4.2 or later …), or give a plain JSON Schema.',
    );
  }
  try {
    const jsonSchema = closeObjects(toPlainJson(converter.input({ target: TARGET })));
    const validate = (value: unknown) => validateBy(standard, value);
    return { jsonSchema, validate: withinBounds(validate, jsonSchema, validators) };
  } catch (cause) {
    throw new CallbacksConfigurationError(
      `The schema of ${place} cannot be written as JSON Schema: ${messageOf(cause)}. Use only what JSON can hold, and ` +
        'transform that: a date from a text, for instance.',
      { cause },
    );
  }
}

/**
 * A copy of the owner's schema, without what JSON leaves out; the dialect is known, and some providers reject its name.
 */
function toPlainJson(schema: JsonSchema): JsonSchema {
  // Before anything recurses over it.
  const excess = schemaExcess(schema);
  if (excess !== undefined) throw new Error(excess);
  const { $schema: _dialect, ...copy } = JSON.parse(JSON.stringify(schema)) as JsonSchema;
  return copy;
}

/**
 * Validators recurse over the value; this check before them does not. Slow checks have a deadline, which costs more
 * than the check of a small value.
 */
function withinBounds<T>(
  validate: CompiledSchema<T>['validate'],
  jsonSchema: JsonSchema,
  { timed }: JsonSchemaValidators,
): CompiledSchema<T>['validate'] {
  const bounds = { depth: MAX_CHECKED_DEPTH, nodes: MAX_CHECKED_NODES };
  const mayBeSlow = isCostly(jsonSchema);
  return (value) => {
    if (excessOf(value, bounds) !== undefined) return { issues: TOO_MUCH };
    if (!mayBeSlow && !hasMoreValues(value, FEW_VALUES)) return validate(value);
    try {
      return timed.run(() => validate(value));
    } catch (error) {
      return toFailure(error);
    }
  };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function validateBy<T>(
  standard: StandardSchemaProps<unknown, T>,
  value: unknown,
): ValidationResult<T> | Promise<ValidationResult<T>> {
  try {
    const result = standard.validate(value);
    return 'then' in result
      ? Promise.resolve(result).then(toResult).catch(toFailure)
      : toResult(result);
  } catch (error) {
    return toFailure(error);
  }
}

function toResult<T>(result: StandardSchemaResult<T>): ValidationResult<T> {
  return result.issues === undefined
    ? { value: result.value }
    : { issues: describeIssues(toIssues(result.issues)) };
}

function toFailure(error: unknown): { readonly issues: string } {
  return { issues: describeFailure(error) };
}

function* toIssues(issues: readonly StandardSchemaIssue[]): Iterable<Issue> {
  for (const { path = [], message } of issues)
    yield { path: path.map((step) => (typeof step === 'object' ? step.key : step)), message };
}
