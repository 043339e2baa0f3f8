import { type Context, createContext, Script } from 'node:vm';
import type {
  Ajv2020,
  ErrorObject,
  KeywordDefinition,
  Options,
  ValidateFunction,
} from 'ajv/dist/2020.js';
import packages from '../util/packages.cjs';
import type { JsonSchema, ValidationResult } from './schema.js';
import { hasMoreValues } from './strict.js';

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
    const ajv = (this.#ofSchemas ??= newAjv(OPTIONS));
    if (ajv.validateSchema(schema) !== true) throw new Error(describeIssues(toIssues(ajv.errors)));
  }
}

/** Each has its own Ajv instance; a shared one would keep every schema and mix up their ids. */
function compile<T>(schema: JsonSchema, allErrors: boolean): ValidateFunction<T> {
  const ajv = newAjv({ ...OPTIONS, allErrors, meta: false, validateSchema: false });
  ajv.removeKeyword('uniqueItems').addKeyword(UNIQUE_ITEMS);
  return ajv.compile<T>(schema);
}

function newAjv(options: Options): Ajv2020 {
  const { Ajv2020 } = packages.ajv();
  return new Ajv2020(options);
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

/** The most time for the check of one value, in milliseconds; it blocks the whole process. */
const MAX_CHECK_MS = 1_000;

/** The global under which the script finds the work. */
const WORK = 'work';
const TIMED_OUT = 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/**
 * Runs synchronous work that may never end, for instance a pattern with nested repetitions, within
 * {@link MAX_CHECK_MS}. Only `node:vm` can stop a running regular expression.
 */
class TimedCheck {
  #context: Context | undefined;
  #script: Script | undefined;

  /** @throws an error that {@link isTimeout} recognizes, or what the work throws */
  run<T>(work: () => T): T {
    // The context is empty, and created once: it provides only the deadline.
    const context = (this.#context ??= createContext({}));
    const script = (this.#script ??= new Script(`${WORK}()`));
    const outer: unknown = context[WORK];
    // A rule of a schema may check with another schema.
    context[WORK] = work;
    try {
      return script.runInContext(context, { timeout: MAX_CHECK_MS }) as T;
    } finally {
      context[WORK] = outer;
    }
  }
}

/** Whether an error means that a {@link TimedCheck} timed out. */
function isTimeout(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === TIMED_OUT;
}

/**
 * `uniqueItems` in time that grows with the size of the list. Ajv's own compares each item with every other: seconds
 * for some thousands of objects.
 */
const UNIQUE_ITEMS: KeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  errors: true,
  compile: (isUnique: boolean) => {
    const check = (items: readonly unknown[]): boolean => {
      check.errors = [];
      if (!isUnique) return true;
      const places = new Map<string, number>();
      for (let i = 0; i < items.length; i++) {
        const key = keyOf(items[i]);
        const j = places.get(key);
        if (j !== undefined) {
          const message = `must NOT have duplicate items (items ## ${j} and ${i} are identical)`;
          check.errors = [{ keyword: 'uniqueItems', message, params: { i, j } }];
          return false;
        }
        places.set(key, i);
      }
      return true;
    };
    check.errors = [] as object[];
    return check;
  },
};

/**
 * A text that is the same for equal values only, whatever the order of their keys; unlike canonical JSON, it also
 * distinguishes an undefined field from none. The depth of values is bounded.
 */
function keyOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (Array.isArray(value)) return `[${value.map(keyOf).join()}]`;
  const fields = Object.keys(value).toSorted();
  const from = value as Record<string, unknown>;
  return `{${fields.map((name) => `${JSON.stringify(name)}:${keyOf(from[name])}`).join()}}`;
}

/** Long enough to repair an answer, short enough for a log line or another turn. */
const MAX_LENGTH = 1_000;
const MAX_MESSAGE_LENGTH = 200;
const MAX_KEY_LENGTH = 60;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/** One mismatch, and its location. */
export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Issues in one line, bounded: `orders[0].id: must be string; …`. */
export function describeIssues(issues: Iterable<Issue>): string {
  let text = '';
  for (const { path, message } of issues) {
    const place = describePath(path);
    const issue = (place === '' ? '' : `${place}: `) + cut(message, MAX_MESSAGE_LENGTH);
    if (text.length + issue.length > MAX_LENGTH) return `${text}; …`;
    text += text === '' ? issue : `; ${issue}`;
  }
  return text || 'the value does not fit';
}

/** The issue of a value that is not checked, because that would take too much time or stack. */
export const TOO_MUCH = 'the value is too large or too deep to be checked';

const TOO_SLOW = `the value could not be checked within ${MAX_CHECK_MS} ms: it is too large for the schema, or one of the schema's patterns takes too long`;

/** The issue of a value whose check itself failed: it was too deep, took too long, or a rule of the schema threw. */
export function describeFailure(error: unknown): string {
  if (isTimeout(error)) return TOO_SLOW;
  return error instanceof RangeError
    ? TOO_MUCH
    : 'the value could not be checked: a rule of the schema threw';
}

function describePath(path: readonly PropertyKey[]): string {
  const text = path.map(describeKey).join('').replace(/^\./, '');
  return text.length <= MAX_MESSAGE_LENGTH ? text : `…${text.slice(-MAX_MESSAGE_LENGTH)}`;
}

function describeKey(key: PropertyKey): string {
  if (typeof key === 'number') return `[${key}]`;
  const name = cut(String(key), MAX_KEY_LENGTH);
  return IDENTIFIER.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
