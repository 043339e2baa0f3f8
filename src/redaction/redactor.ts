/** Where a built-in lets content out of the process. */
export type RedactionPlace = 'log' | 'span' | 'audit' | 'history' | 'queue' | 'inspector';

/**
 * Replaces the secret parts of what built-ins let out of the process.
 *
 * @example
 * ```ts
 * const redactor: Redactor = { redact: (value, place) => (place === 'span' ? '[content]' : value) };
 * ```
 */
export interface Redactor {
  /**
   * Returns the value to let out; must not change the given one.
   *
   * @param value plain JSON, often of a whole event
   */
  redact(value: unknown, place: RedactionPlace): unknown;
}

/** Lets everything pass: `redact: false`. */
export const NO_REDACTION: Redactor = { redact: (value) => value };
