import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import {
  type Excess,
  excessOf,
  MAX_CHECKED_DEPTH,
  MAX_CHECKED_NODES,
  MAX_SCHEMA_NODES,
} from '../util/bounds.js';
import { type AnswerSchema, toAnswerSchema } from './answer-schema.js';
import {
  describeFailure,
  describeIssues,
  type Issue,
  JsonSchemaValidators,
  TOO_MUCH,
} from './json-schema-validator.js';
import type {
  CompiledSchema,
  JsonSchema,
  Schema,
  StandardSchemaIssue,
  StandardSchemaProps,
  StandardSchemaResult,
  StandardSchemaV1,
  ValidationResult,
} from './schema.js';
import { closeObjects, hasMoreValues, isCostly } from './strict.js';

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

/** Compiles each schema once, for as long as its owner keeps it. */
export class SchemaCache {
  readonly #validators = new JsonSchemaValidators();
  readonly #compiled = new WeakMap<object, CompiledSchema>();
  readonly #ofAnswers = new WeakMap<CompiledSchema, AnswerSchema>();

  /**
   * @param place the owner of the schema, for errors
   * @throws CallbacksConfigurationError as `compileSchema()` does
   */
  compile<T>(schema: Schema<T>, place: string): CompiledSchema<T> {
    const known = this.#compiled.get(schema);
    // The cached value was compiled from this very schema.
    if (known !== undefined) return known as CompiledSchema<T>;
    const compiled = compileSchema(schema, place, this.#validators);
    this.#compiled.set(schema, compiled);
    return compiled;
  }

  /** The same, prepared for whole answers, with the same parameters and errors. */
  compileAnswer(schema: Schema, place: string): AnswerSchema {
    const compiled = this.compile(schema, place);
    const known = this.#ofAnswers.get(compiled);
    if (known !== undefined) return known;
    const ofAnswers = toAnswerSchema(compiled);
    this.#ofAnswers.set(compiled, ofAnswers);
    return ofAnswers;
  }
}

const SCHEMA_EXCESS: Record<Excess, string> = {
  deep: `it is nested more than ${MAX_CHECKED_DEPTH} levels deep, or holds itself: write recursion as $ref`,
  large: `it holds more than ${MAX_SCHEMA_NODES} values: write what is repeated once, as $defs, and refer to it by $ref`,
  unreadable: 'one of its getters throws',
};

/** Why recursive code cannot walk a schema; `undefined` if it can. */
export function schemaExcess(schema: unknown): string | undefined {
  const excess = excessOf(schema, { depth: MAX_CHECKED_DEPTH, nodes: MAX_SCHEMA_NODES });
  return excess && SCHEMA_EXCESS[excess];
}
