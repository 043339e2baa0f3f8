import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import { hasMoreValues } from './costly.js';
import { describeFailure, describeIssues, type Issue } from './issues.js';
import type { JsonSchema, ValidationResult } from './schema.js';
import { TimedCheck } from './timed-check.js';
import { UNIQUE_ITEMS } from './unique-items.js';

/** Up to this size all issues are listed, so that one more turn can repair them all; above, the first one is enough. */
const MANY_VALUES = 10_000;

const OPTIONS: Options = {
  strict: false,
  // Formats are annotations, and are not checked.
  validateFormats: false,
  logger: false,
  // Otherwise inherited properties such as `constructor` would count as present.
  ownProperties: true,
};

/**
 * Compiles JSON Schemas, draft 2020-12, to validators. References can only point into the schema itself. Share one for
 * many schemas: the meta-schema, which validates them, is slow to compile.
 */
export class JsonSchemaValidators {
  /** Limits the time of checks. */
  readonly timed = new TimedCheck();
  #ofSchemas: Ajv2020 | undefined;

  /** @throws Error if the schema is invalid */
  compile<T>(schema: JsonSchema): (value: unknown) => ValidationResult<T> {
    this.#checkSchema(schema);
    const all = compile<T>(schema, true);
    let first: ValidateFunction<T> | undefined;
    return (value) => {
      try {
        const check = hasMoreValues(value, MANY_VALUES)
          ? (first ??= compile<T>(schema, false))
          : all;
        return check(value) ? { value } : { issues: describeIssues(toIssues(check.errors)) };
      } catch (error) {
        return { issues: describeFailure(error) };
      }
    };
  }

  #checkSchema(schema: JsonSchema): void {
    const ajv = (this.#ofSchemas ??= new Ajv2020(OPTIONS));
    if (ajv.validateSchema(schema) !== true) throw new Error(describeIssues(toIssues(ajv.errors)));
  }
}

/** Each has its own Ajv instance; a shared one would keep every schema and mix up their ids. */
function compile<T>(schema: JsonSchema, allErrors: boolean): ValidateFunction<T> {
  const ajv = new Ajv2020({ ...OPTIONS, allErrors, meta: false, validateSchema: false });
  ajv.removeKeyword('uniqueItems').addKeyword(UNIQUE_ITEMS);
  return ajv.compile<T>(schema);
}

function* toIssues(errors: readonly ErrorObject[] | null | undefined): Iterable<Issue> {
  for (const error of errors ?? [])
    yield { path: toPath(error.instancePath), message: toMessage(error) };
}

/** The steps of a JSON Pointer; numeric ones are treated as list indexes. */
function toPath(pointer: string): PropertyKey[] {
  const steps = pointer.split('/').slice(1);
  return steps.map((step) =>
    /^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~'),
  );
}

/** Adds the allowed values if the message leaves them out: a repair needs them. */
function toMessage({ keyword, params, message = 'does not fit' }: ErrorObject): string {
  const { allowedValues, allowedValue, additionalProperty } = params as Record<string, unknown>;
  if (keyword === 'enum') return `${message}: ${JSON.stringify(allowedValues)}`;
  if (keyword === 'const') return `${message}: ${JSON.stringify(allowedValue)}`;
  if (keyword !== 'additionalProperties') return message;
  return `must not have the property ${JSON.stringify(additionalProperty)}`;
}
