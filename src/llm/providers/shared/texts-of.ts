const MAX_LENGTH = 10_000;
const MAX_DEPTH = 6;
/** The fields with the server's own text. Others repeat the request, or name kinds of errors. */
const SPEAKING = [
  'detail',
  'details',
  'error',
  'errors',
  'loc',
  'message',
  'msg',
  'param',
  'reason',
];

/**
 * The server's text in an SDK's error: the texts of the body that it keeps, whose form differs, else its message. It is
 * only matched for known phrases, and goes into no message.
 */
export function textsOf(thrown: unknown): string {
  const { message, error, reason } = Object(thrown) as Record<string, unknown>;
  const texts: string[] = [];
  collect({ error, reason }, texts, 0);
  if (texts.length === 0) collect(message, texts, 0);
  return texts.join(' ').slice(0, MAX_LENGTH);
}

function collect(value: unknown, texts: string[], depth: number): void {
  if (typeof value === 'string') texts.push(value);
  if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return;
  const parts: unknown[] = Array.isArray(value)
    ? value
    : SPEAKING.map((name) => (value as Record<string, unknown>)[name]);
  for (const part of parts) collect(part, texts, depth + 1);
}
