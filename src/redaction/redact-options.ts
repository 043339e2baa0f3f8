import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { sanitizeLogLine } from '../util/log.js';
import { isOptions, kindOf, optionNames, unknownOption } from '../util/known-options.js';
import { plainName } from '../util/named-secrets.js';
import { parsePath } from './redact-paths.js';
import type { Redactor } from './redactor.js';

/**
 * What is redacted in addition to the default keys and the patterns of common secrets: `forRoot({ redact })`.
 *
 * @example
 * ```ts
 * const redact: RedactOptions = {
 *   keys: ['iban'],
 *   paths: ['metadata.customer.email', 'messages[*].content'],
 *   patterns: [/\b[A-Z]{2}\d{2}(?: ?\d{4}){4}\b/],
 * };
 * ```
 */
export interface RedactOptions {
  /** Names of fields whose content is secret, compared whole, without case, `_` and `-`. */
  keys?: readonly string[];
  /**
   * Paths in the JSON of an event whose content is secret: `metadata.customer.iban`, `toolCalls[*].args.iban`. `*` is
   * any one key or index, `["a.b"]` a key with other characters; a path continues into text that is JSON.
   */
  paths?: readonly string[];
  /** What is secret wherever it occurs in a text. Each pattern is applied to whole texts, and must be fast on long ones. */
  patterns?: readonly RegExp[];
  /**
   * What replaces a secret.
   * @default '[redacted]'
   */
  replacement?: string;
}

const NAMES = optionNames<RedactOptions>({
  keys: true,
  paths: true,
  patterns: true,
  replacement: true,
});

/** Rejects a `redact` option that is wrong. */
export function checkRedact(
  redact: unknown,
): asserts redact is false | RedactOptions | Redactor | undefined {
  if (redact === undefined || redact === false || isRedactor(redact)) return;
  if (!isOptions(redact)) {
    throw refusal(` must be false, options or a Redactor, not ${kindOf(redact)}`);
  }
  const unknown = unknownOption(redact, NAMES);
  if (unknown !== undefined) throw refusal(` has no ${unknown}`);
  const { keys, paths, patterns, replacement } = redact as Record<keyof RedactOptions, unknown>;
  if (replacement !== undefined && typeof replacement !== 'string')
    throw refusal(`.replacement must be a text, not ${kindOf(replacement)}`);
  for (const key of listOf('keys', keys)) {
    if (typeof key !== 'string' || plainName(key) === '')
      throw refusal(`.keys must be a list of names, but has ${shown(key)}`);
  }
  for (const path of listOf('paths', paths)) {
    if (typeof path !== 'string' || parsePath(path) === undefined)
      throw refusal(
        `.paths must be a list of paths like 'metadata.customer.iban' or 'toolCalls[*].args["a.b"]', but has ${shown(path)}`,
      );
  }
  for (const pattern of listOf('patterns', patterns)) checkPattern(pattern);
}

/** Whether a `redact` option is a redactor of the application. */
export function isRedactor(redact: unknown): redact is Redactor {
  return typeof (Object(redact) as Partial<Redactor>).redact === 'function';
}

function listOf(name: string, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw refusal(`.${name} must be a list, not ${kindOf(value)}`);
  return value;
}

function checkPattern(pattern: unknown): void {
  if (!(pattern instanceof RegExp))
    throw refusal(`.patterns must be a list of regular expressions, but has ${kindOf(pattern)}`);
  // It would put a replacement between all characters.
  if (toGlobal(pattern).test(''))
    throw refusal(`.patterns has a pattern that matches the empty text: ${shown(String(pattern))}`);
}

/** A copy that finds all matches, and has a state of its own. */
export function toGlobal(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${sanitizeLogLine(value.slice(0, 64))}"` : kindOf(value);
}

function refusal(what: string): CallbacksConfigurationError {
  return new CallbacksConfigurationError(`redact${what}.`);
}
