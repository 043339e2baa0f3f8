import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import { hasMoreValues } from './costly.js';
import { describeFailure, describeIssues, type Issue } from './issues.js';
import type { JsonSchema, ValidationResult } from './schema.js';
import { TimedCheck } from './timed-check.js';
import { UNIQUE_ITEMS } from './unique-items.js';

/** Up to here all issues are listed, so that one more turn can mend them all; above, the first one is enough. */
const MANY_VALUES = 10_000;

const OPTIONS: Options = {
  strict: false,
  // They say what is meant, and are not checked.
  validateFormats: false,
  logger: false,
  // Else what every object inherits, `constructor` and the like, would pass for a property that was given.
  ownProperties: true,
};

/**
 * Makes checks by JSON Schemas, draft 2020-12. References lead into the schema itself only. One for many schemas: the
 * schema of schemas, by which they are checked themselves, is slow to compile.
 */
export class JsonSchemaValidators {
  /** What holds checks to their time. */
  readonly timed = new TimedCheck();
  #ofSchemas: Ajv2020 | undefined;

  /** @throws Error when the schema is wrong */
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

/** Each has an Ajv of its own, which would otherwise keep every schema and mix up their ids. */
function compile<T>(schema: JsonSchema, allErrors: boolean): ValidateFunction<T> {
  const ajv = new Ajv2020({ ...OPTIONS, allErrors, meta: false, validateSchema: false });
  ajv.removeKeyword('uniqueItems').addKeyword(UNIQUE_ITEMS);
  return ajv.compile<T>(schema);
}

function* toIssues(errors: readonly ErrorObject[] | null | undefined): Iterable<Issue> {
  for (const error of errors ?? [])
    yield { path: toPath(error.instancePath), message: toMessage(error) };
}

/** A JSON Pointer's steps; those of digits are taken for places in a list. */
function toPath(pointer: string): PropertyKey[] {
  const steps = pointer.split('/').slice(1);
  return steps.map((step) =>
    /^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~'),
  );
}

/** What is allowed is added where the message leaves it out: who is to mend the value needs it. */
function toMessage({ keyword, params, message = 'does not fit' }: ErrorObject): string {
  const { allowedValues, allowedValue, additionalProperty } = params as Record<string, unknown>;
  if (keyword === 'enum') return `${message}: ${JSON.stringify(allowedValues)}`;
  if (keyword === 'const') return `${message}: ${JSON.stringify(allowedValue)}`;
  if (keyword !== 'additionalProperties') return message;
  return `must not have the property ${JSON.stringify(additionalProperty)}`;
}
