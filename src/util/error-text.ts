import { withoutSecrets } from './secrets.js';
import { fieldOf, messageOf, sanitizeLogLine } from './log-text.js';

/** Longer messages are cut, in UTF-16 code units. */
const MAX_CHARS = 4_000;
/** Frames of a stack; `Error.stackTraceLimit` is 10 by default. */
const MAX_FRAMES = 100;
/** What the SDKs' errors and those of HTTP clients have: they quote requests, answers and headers in their messages. */
export const HTTP_FIELDS: readonly string[] = [
  'headers',
  'response',
  'request',
  'config',
  'error',
  'body',
];
/** Causes of causes that are looked at. */
export const MAX_CAUSES = 5;
const FRAME = /^\s+at /;

/** A text that a log may have: one line, without what looks like a secret. */
export function logText(text: string): string {
  return sanitizeLogLine(withoutSecrets(text));
}

/** {@link logText} for a text of any length. */
function shortLogText(text: string): string {
  // Twice as much as is kept, so that no secret is cut before it is seen.
  const safe = logText(text.slice(0, 2 * MAX_CHARS));
  return safe.length <= MAX_CHARS && text.length <= 2 * MAX_CHARS
    ? safe
    : `${safe.slice(0, MAX_CHARS)}…`;
}

/**
 * What a log may say of a thrown value. Of an error of an SDK or another HTTP client it is the kind alone, because its
 * message may repeat the request: keys, headers and prompts.
 */
export function logReason(error: unknown): string {
  if (quotesRequests(error)) return kindOf(error);
  let message = messageOf(error);
  let cause = fieldOf(error, 'cause');
  // Many errors repeat the message of the one underneath.
  for (let depth = 0; cause instanceof Error && depth < MAX_CAUSES; depth++) {
    const quoted = quotesRequests(cause) ? messageOf(cause) : '';
    if (quoted !== '') message = message.replaceAll(quoted, () => kindOf(cause));
    cause = fieldOf(cause, 'cause');
  }
  return shortLogText(message);
}

/**
 * The stack of an error as a log may have it: the message on its first line and without its own line ends, so that what
 * follows are places in the code. `''` where there are none.
 */
export function logStack(error: unknown): string {
  const frames = framesOf(error);
  if (frames.length === 0) return '';
  const head = quotesRequests(error)
    ? kindOf(error)
    : `${logText(nameOf(error))}: ${logReason(error)}`;
  return [head, ...frames].join('\n');
}

/** The name of an error, with its `status` and `code`; nothing that it quotes. */
export function kindOf(error: unknown): string {
  const [status, code] = [fieldOf(error, 'status'), fieldOf(error, 'code')];
  const details = [
    ...(typeof status === 'number' ? [`status ${status}`] : []),
    ...(typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? [`code ${code}`] : []),
  ];
  const name = shortLogText(nameOf(error));
  return details.length === 0 ? name : `${name} (${details.join(', ')})`;
}

/** The places in the code that a stack ends with. A message may have lines that look like them. */
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

/** Whether it is an `HttpException` or an `RpcException`: their `response` and `error` are the application's own words. */
export function isOfNest(error: unknown): boolean {
  return ['getStatus', 'getError'].some((name) => typeof fieldOf(error, name) === 'function');
}

function nameOf(error: unknown): string {
  const name = fieldOf(error, 'name');
  const className = fieldOf(fieldOf(error, 'constructor'), 'name');
  // The SDKs give their classes no names of their own.
  const known = name === 'Error' && typeof className === 'string' && className ? className : name;
  return typeof known === 'string' && known !== '' ? known : 'Error';
}
