/** Control characters, line ends and those that turn the direction of text. */
const UNSAFE = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/**
 * A text for one line of a log: names and messages come from models and users, and none may begin a line of its own,
 * colour the terminal or turn its direction.
 */
export function oneLine(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === '\n') return String.raw`\n`;
    return String.raw`\u` + character.charCodeAt(0).toString(16).padStart(4, '0');
  });
}

/** What a thrown value says. Anything can be thrown, also what cannot be made a text. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return 'an error without a text';
  }
}
