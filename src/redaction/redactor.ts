/** Where a built-in lets content out of the process. */
export type RedactionPlace = 'log' | 'span' | 'audit' | 'history' | 'queue' | 'inspector';

/**
 * Replaces the secret parts of what built-ins let out of the process.
 *
 * If it throws, or returns a promise or a value that JSON cannot represent, the content is dropped: `'[redactor failed]'`
 * is in its place.
 *
 * @example
 * ```ts
 * const redactor: Redactor = { redact: (value, place) => (place === 'span' ? '[content]' : value) };
 * ```
 */
export interface Redactor {
  /**
   * Returns the value to let out. The given value is a copy.
   *
   * @param value plain JSON: a whole event, or fields of one by their names
   */
  redact(value: unknown, place: RedactionPlace): unknown;
}

/** Lets everything pass: `redact: false`. */
export const NO_REDACTION: Redactor = { redact: (value) => value };

/** Replaces content whose redactor failed. */
export const REDACTOR_FAILED = '[redactor failed]';
