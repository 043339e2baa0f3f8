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
