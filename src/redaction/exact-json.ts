import { randomBytes } from 'node:crypto';

/** The value of a text of JSON. */
export interface ExactJson {
  readonly value: unknown;
  /** The begin of texts in `value` that are numbers which JavaScript would write otherwise: long ones, `1.0`. */
  readonly mark: string | undefined;
}

/** Numbers that JavaScript may write otherwise. */
const INEXACT = /\d{16}|\d[.eE]|-0/;

/** Parses JSON without loss; `undefined` if the text is none. */
export function parseExact(text: string): ExactJson | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!INEXACT.test(text)) return { value, mark: undefined };
    // Random, so that no text of the JSON begins with it.
    const mark = `\0${randomBytes(12).toString('hex')}:`;
    return { value: JSON.parse(withMarkedNumbers(text, mark.slice(1))), mark };
  } catch {
    return undefined;
  }
}

/** Writes what was made of a parsed value; `undefined` if it is too deep for `JSON.stringify`. */
export function writeExact(value: unknown, { mark }: ExactJson): string | undefined {
  let text: string;
  try {
    text = JSON.stringify(value) ?? 'null';
  } catch {
    return undefined;
  }
  if (mark === undefined) return text;
  return text.replaceAll(new RegExp(String.raw`"\\u0000${mark.slice(1)}([^"]*)"`, 'g'), '$1');
}

function withMarkedNumbers(text: string, mark: string): string {
  let marked = '';
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at);
    const end = quote < 0 ? text.length : quote;
    marked += text.slice(at, end).replaceAll(/-?\d[\d.eE+-]*/g, (number) => {
      return String(Number(number)) === number ? number : String.raw`"\u0000${mark}${number}"`;
    });
    at = quote < 0 ? text.length : endOfString(text, quote + 1);
    marked += text.slice(end, at);
  }
  return marked;
}

/** The position after a string's closing quote. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (at - slashes > from && text[at - slashes - 1] === '\\') slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
  return text.length;
}
