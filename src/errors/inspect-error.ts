import { inspect } from 'node:util';
import {
  fieldOf,
  framesOf,
  HTTP_FIELDS,
  isOfNest,
  kindOf,
  logReason,
  logStack,
  logText,
  MAX_CAUSES,
} from '../util/log.js';

const MAX_FIELD_CHARS = 200;
/** Already printed at the beginning, or printed separately. */
const SAID = ['name', 'message', 'stack', 'cause'];

/** Gives an error a field that loggers do not print, because it holds prompts and answers. */
export function hide<T extends Error, K extends keyof T & string>(
  error: T,
  name: K,
  value: T[K],
): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true });
}

/**
 * Makes the requests and answers that an error of an SDK or of another HTTP client holds non-enumerable, so that no
 * logger prints them. They stay where they are.
 */
export function hideQuotes(cause: unknown): void {
  let error = cause;
  for (let depth = 0; error instanceof Error && depth < MAX_CAUSES; depth++) {
    if (!isOfNest(error)) for (const name of HTTP_FIELDS) hideField(error, name);
    error = fieldOf(error, 'cause');
  }
}

function hideField(error: Error, name: string): void {
  try {
    const field = Object.getOwnPropertyDescriptor(error, name);
    if (field?.enumerable !== true || typeof fieldOf(error, name) !== 'object') return;
    Object.defineProperty(error, name, { enumerable: false });
  } catch {
    // The error is frozen, or a proxy.
  }
}

/**
 * An error as loggers print it: its stack, its numbers and names, and the same of its causes.
 *
 * @param showsReasons whether to show the messages of causes; messages of providers quote requests
 */
export function inspectError(error: Error, showsReasons: boolean): string {
  const lines = [logStack(error) || `${logText(error.name)}: ${logReason(error)}`];
  const fields = fieldsOf(error);
  if (fields !== '') lines.push(`    ${fields}`);
  let cause = fieldOf(error, 'cause');
  for (let depth = 0; cause !== undefined && cause !== null && depth < MAX_CAUSES; depth++) {
    lines.push(...causeLines(cause, showsReasons));
    cause = fieldOf(cause, 'cause');
  }
  return lines.join('\n');
}

function fieldsOf(error: Error): string {
  const shown = Object.entries(error).filter(
    ([name, value]) => !SAID.includes(name) && isShort(value),
  );
  return shown.map(([name, value]) => `${logText(name)}: ${short(value)}`).join(', ');
}

function isShort(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function short(value: unknown): string {
  if (typeof value !== 'string') return String(value);
  const text = logText(value);
  return inspect(text.length > MAX_FIELD_CHARS ? `${text.slice(0, MAX_FIELD_CHARS)}…` : text);
}

function causeLines(cause: unknown, showsReasons: boolean): string[] {
  if (!(cause instanceof Error))
    return [
      `  [cause]: ${showsReasons && isShort(cause) ? short(cause) : `a value (${typeof cause})`}`,
    ];
  const kind = kindOf(cause);
  const reason = showsReasons ? logReason(cause) : kind;
  const head = reason === kind ? `${kind}: its message is in error.cause` : `${kind}: ${reason}`;
  return [`  [cause]: ${head}`, ...framesOf(cause).map((frame) => `  ${frame}`)];
}
