import { Logger } from '@nestjs/common';
import { withoutSecrets } from './secrets.js';

/** The maximum length of a message, in UTF-16 code units. */
const MAX_CHARS = 4_000;
/** The maximum frames of a stack; `Error.stackTraceLimit` is 10 by default. */
const MAX_FRAMES = 100;
/** Fields of the errors of SDKs and HTTP clients, whose messages quote requests, responses and headers. */
export const HTTP_FIELDS: readonly string[] = [
  'headers',
  'response',
  'request',
  'config',
  'error',
  'body',
];
/** The maximum depth of the chain of causes. */
export const MAX_CAUSES = 5;
const FRAME = /^\s+at /;

/** A text that is safe to log: one line, without anything that looks like a secret. */
export function logText(text: string): string {
  return sanitizeLogLine(withoutSecrets(text));
}

/** {@link logText} for a text of any length. */
function shortLogText(text: string): string {
  // Twice the kept length, so that no secret is cut before it is detected.
  const safe = logText(text.slice(0, 2 * MAX_CHARS));
  return safe.length <= MAX_CHARS && text.length <= 2 * MAX_CHARS
    ? safe
    : `${safe.slice(0, MAX_CHARS)}…`;
}

/**
 * A thrown value as text that is safe to log. For an error of an SDK or another HTTP client, only its kind, because its
 * message may quote the request: keys, headers and prompts.
 */
export function logReason(error: unknown): string {
  if (quotesRequests(error)) return kindOf(error);
  let message = messageOf(error);
  let cause = fieldOf(error, 'cause');
  // Many errors repeat the message of their cause.
  for (let depth = 0; cause instanceof Error && depth < MAX_CAUSES; depth++) {
    const quoted = quotesRequests(cause) ? messageOf(cause) : '';
    if (quoted !== '') message = message.replaceAll(quoted, () => kindOf(cause));
    cause = fieldOf(cause, 'cause');
  }
  return shortLogText(message);
}

/**
 * The stack of an error, safe to log: the message is one line, so that all following lines are code locations. `''` if
 * there are none.
 */
export function logStack(error: unknown): string {
  const frames = framesOf(error);
  if (frames.length === 0) return '';
  const head = quotesRequests(error)
    ? kindOf(error)
    : `${logText(nameOf(error))}: ${logReason(error)}`;
  return [head, ...frames].join('\n');
}

/** The name of an error, with its `status` and `code`, but without quoted content. */
export function kindOf(error: unknown): string {
  const [status, code] = [fieldOf(error, 'status'), fieldOf(error, 'code')];
  const details = [
    ...(typeof status === 'number' ? [`status ${status}`] : []),
    ...(typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? [`code ${code}`] : []),
  ];
  const name = shortLogText(nameOf(error));
  return details.length === 0 ? name : `${name} (${details.join(', ')})`;
}

/** The code locations at the end of a stack. Lines of the message may look like them. */
export function framesOf(error: unknown): string[] {
  const stack = fieldOf(error, 'stack');
  if (typeof stack !== 'string') return [];
  const message = messageOf(error);
  const at = message === '' ? -1 : stack.indexOf(message);
  const lines = (at < 0 ? stack : stack.slice(at + message.length)).split('\n');
  let first = lines.length;
  while (first > 0 && FRAME.test(lines[first - 1]!)) first--;
  return lines.slice(first, first + MAX_FRAMES).map(shortLogText);
}

function quotesRequests(error: unknown): boolean {
  if (isOfNest(error)) return false;
  return HTTP_FIELDS.some((name) => {
    const value = fieldOf(error, name);
    return typeof value === 'object' && value !== null;
  });
}

/** Whether it is an `HttpException` or an `RpcException`, whose `response` and `error` come from the application. */
export function isOfNest(error: unknown): boolean {
  return ['getStatus', 'getError'].some((name) => typeof fieldOf(error, name) === 'function');
}

function nameOf(error: unknown): string {
  const name = fieldOf(error, 'name');
  const className = fieldOf(fieldOf(error, 'constructor'), 'name');
  // The SDKs do not set `name` on their error classes.
  const known = name === 'Error' && typeof className === 'string' && className ? className : name;
  return typeof known === 'string' && known !== '' ? known : 'Error';
}

/**
 * Characters that break or disguise a line of text: control characters, line ends, and text-direction marks.
 */
export const UNSAFE_CHARACTERS = String.raw`\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069`;
const UNSAFE = new RegExp(`[${UNSAFE_CHARACTERS}]`, 'gu');

/**
 * Sanitizes a text for one log line: names and messages come from models and users, and must not start a new line,
 * color the terminal or change the text direction.
 */
export function sanitizeLogLine(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === '\n') return String.raw`\n`;
    return String.raw`\u` + character.charCodeAt(0).toString(16).padStart(4, '0');
  });
}

/** The message of a thrown value. Anything can be thrown, also a value that cannot be converted to text. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'an error without a text';
  }
}

/** A field of a value that may be a proxy or have getters that throw. */
export function fieldOf(value: unknown, name: string): unknown {
  try {
    return (Object(value) as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

type LogLevel = 'verbose' | 'debug' | 'log' | 'warn' | 'error';

/** The levels of objects in the fields of a line: `usage`, `error`, `content`. */
const MAX_LEVELS = 2;

/**
 * The fields of a log line. No plain object, which Nest's own logger would print over several lines: its text, and what
 * `inspect` shows, is one line of JSON. Loggers for objects copy its fields.
 */
class LogRecord {
  [name: string]: unknown;

  constructor(fields: object) {
    Object.assign(this, safeFields(fields, 1));
    Object.defineProperty(this, 'toString', { value: () => JSON.stringify(this) });
    Object.defineProperty(this, Symbol.for('nodejs.util.inspect.custom'), {
      value: () => JSON.stringify(this),
    });
  }
}

/** Fields whose texts are safe to log, also if a logger writes them as they are. */
function safeFields(fields: object, level: number): Record<string, unknown> {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, safeField(value, level)]));
}

function safeField(value: unknown, level: number): unknown {
  switch (typeof value) {
    case 'string':
      return sanitizeLogLine(value);
    case 'bigint':
      return String(value);
    case 'object':
      if (value === null) return null;
      return level < MAX_LEVELS && isRecord(value) ? safeFields(value, level + 1) : '[object]';
    default:
      return value;
  }
}

function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * The only access to Nest's `Logger`: no text can forge a line, color the terminal or change its direction, and
 * anything that looks like a secret is removed. Pass error messages through `logReason()`.
 */
export class Log {
  readonly #logger: Logger;

  constructor(context: string) {
    this.#logger = new Logger(sanitizeLogLine(context));
  }

  /** Writes a text that was redacted already. */
  line(level: LogLevel, text: string): void {
    this.#logger[level](sanitizeLogLine(text));
  }

  /**
   * Writes fields that were redacted already: a logger that takes objects gets them as its fields, others a line of JSON.
   */
  fields(level: LogLevel, fields: object): void {
    this.#logger[level](new LogRecord(fields));
  }

  debug(text: string): void {
    this.#logger.debug(logText(text));
  }

  verbose(text: string): void {
    this.#logger.verbose(logText(text));
  }

  log(text: string): void {
    this.#logger.log(logText(text));
  }

  warn(text: string): void {
    this.#logger.warn(logText(text));
  }

  /** @param error its stack is logged; its cause is not */
  error(text: string, ...error: [error?: unknown]): void {
    if (error.length === 0) this.#logger.error(logText(text));
    else this.#logger.error(logText(text), logStack(error[0]));
  }
}
