import { isTimeout, MAX_CHECK_MS } from './timed-check.js';

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
