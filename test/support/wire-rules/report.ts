/** Collects the errors in a request body: one line for each violation, with its path. */
export class Report {
  readonly violations: string[] = [];

  fail(path: string, what: string): void {
    this.violations.push(`${path}: ${what}`);
  }

  /** Records a violation unless the condition holds; returns the condition. */
  check(isValid: boolean, path: string, what: string): boolean {
    if (!isValid) this.fail(path, what);
    return isValid;
  }

  /** The value as a list with at least one entry; records a violation for anything else. */
  list(value: unknown, path: string): unknown[] {
    if (!Array.isArray(value)) {
      this.fail(path, 'must be a list');
      return [];
    }
    this.check(value.length > 0, path, 'must not be an empty list');
    return value as unknown[];
  }

  /** The value as an object; records a violation for anything else. */
  object(value: unknown, path: string): Fields {
    this.check(isObject(value), path, 'must be an object');
    return fieldsOf(value);
  }

  /** Records a violation for anything but a text with at least one character. */
  text(value: unknown, path: string): value is string {
    return this.check(typeof value === 'string' && value !== '', path, 'must be a non-empty text');
  }

  /** Records a violation for anything but one of the given values. */
  oneOf(value: unknown, allowed: readonly unknown[], path: string): boolean {
    return this.check(allowed.includes(value), path, `must be one of ${allowed.join(', ')}`);
  }
}

/** An object with unknown fields. */
export type Fields = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields of a value; none if it is not an object. */
export function fieldsOf(value: unknown): Fields {
  return isObject(value) ? value : {};
}

/** The name of a function or a tool, with the limits of all providers. */
export const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Whether a value is the text of a JSON object. */
export function isJsonObject(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  try {
    return isObject(JSON.parse(value));
  } catch {
    return false;
  }
}

/** Whether a text has visible characters. */
export function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** Records traces of a failed serialization: `[object Object]` and the word `undefined` as a value. */
export function checkLeftovers(report: Report, value: unknown, path = ''): void {
  if (typeof value === 'string') {
    report.check(!value.includes('[object Object]'), path, 'holds "[object Object]"');
    report.check(value !== 'undefined', path, 'is the text "undefined"');
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      report.check(key !== 'undefined', path, 'has a key "undefined"');
      checkLeftovers(report, inner, path === '' ? key : `${path}.${key}`);
    }
  }
}
