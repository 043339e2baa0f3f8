import { Observable } from 'rxjs';
import { unwrapped } from '../../schema/answer-schema.js';
import type { LlmChunk } from '../../types/llm.js';

export { toEventStream, type ToSseOptions } from '../../http/event-stream.js';

/** The text of a stream alone. */
export async function* textOf(
  chunks: AsyncIterable<LlmChunk>,
): AsyncGenerator<string, void, undefined> {
  for await (const chunk of chunks) if (chunk.type === 'text') yield chunk.text;
}

/** A value that is still being written: properties may be missing, lists and texts incomplete. */
export type DeepPartial<T> = T extends readonly (infer Item)[]
  ? DeepPartial<Item>[]
  : T extends object
    ? { [Key in keyof T]?: DeepPartial<T[Key]> }
    : T;

/**
 * The JSON value that the text of a stream builds up; yields each state once, as a separate value.
 *
 * @param isWrapped whether the value is expected inside an object, as in {@link AnswerSchema}
 */
export async function* partialObjectsOf(
  chunks: AsyncIterable<LlmChunk>,
  isWrapped: boolean,
): AsyncGenerator<unknown, void, undefined> {
  const json = new PartialJson();
  const seen = (value: unknown) => (isWrapped ? valueInside(value) : value);
  for await (const chunk of chunks) {
    const value = chunk.type === 'text' ? seen(json.add(chunk.text)) : undefined;
    if (value !== undefined) yield value;
  }
  const last = seen(json.read());
  if (last !== undefined) yield last;
}

/**
 * The value inside a wrapping object, once it begins; an answer that turns out not to be such an object is the value
 * itself.
 */
function valueInside(answer: unknown): unknown {
  const size = Object.keys(Object(answer) as object).length;
  if (Array.isArray(answer) || size > 1) return answer;
  return size === 0 ? undefined : (unwrapped(answer) ?? { value: answer }).value;
}

/** A stream as an Observable, which reads the stream while subscribed. */
export function observe<T>(items: AsyncIterable<T>): Observable<T> {
  return new Observable((subscriber) => {
    const reader = items[Symbol.asyncIterator]();
    void (async () => {
      try {
        for (let next = await reader.next(); !next.done; next = await reader.next())
          subscriber.next(next.value);
        subscriber.complete();
      } catch (error) {
        subscriber.error(error);
      }
    })();
    return () => void reader.return?.();
  });
}

/** Deeper than any answer to a schema; a text of only brackets is not worth following. */
const MAX_DEPTH = 256;
/** A text is parsed again when it has grown by this fraction of its length, so that the total work stays linear. */
const GROWTH = 1 / 32;
const AFTER_BACKSLASH = -1;
const HEX_DIGITS = 4;

type Place = 'before' | 'between' | 'in a key' | 'in a text' | 'in a word' | 'after';

/**
 * Reads a JSON object or list while it is being written: what has arrived, closed where it breaks off. Texts grow;
 * numbers, literals and keys appear when complete. Text before and after the JSON is ignored.
 */
export class PartialJson {
  #text = '';
  #place: Place = 'before';
  #start = 0;
  /** Up to here the JSON is complete except for open brackets. */
  #wholeEnd = 0;
  /** Up to here the text being written can be closed: an escape is complete or left out. */
  #textEnd = 0;
  /** The closing brackets of the open ones, the innermost last. */
  readonly #closing: string[] = [];
  #expectsKey = false;
  /** What is left of an escape: its kind, or its number of digits. */
  #escape = 0;
  #parsedLength = 0;
  #seen = '';

  /** Adds what arrived. Returns the value so far, or undefined if nothing new is visible. */
  add(piece: string): unknown {
    const offset = this.#text.length;
    this.#text += piece;
    for (let i = 0; i < piece.length; i++) this.#step(piece.charAt(i), offset + i);
    const grownBy = this.#text.length - this.#parsedLength;
    return grownBy >= this.#parsedLength * GROWTH ? this.read() : undefined;
  }

  /** The value so far, or undefined if nothing new is visible. */
  read(): unknown {
    this.#parsedLength = this.#text.length;
    if (this.#place === 'before' || this.#closing.length > MAX_DEPTH) return undefined;
    const isText = this.#place === 'in a text';
    const part = this.#text.slice(this.#start, isText ? this.#textEnd : this.#wholeEnd);
    const json = part + (isText ? '"' : '') + this.#closing.toReversed().join('');
    if (json === this.#seen) return undefined;
    this.#seen = json;
    try {
      return JSON.parse(json);
    } catch {
      return undefined;
    }
  }

  #step(character: string, at: number): void {
    switch (this.#place) {
      case 'before':
        if (character === '{' || character === '[') {
          this.#start = at;
          this.#open(character, at);
        }
        return;
      case 'in a key':
      case 'in a text':
        return this.#stepInText(character, at);
      case 'between':
      case 'in a word':
        return this.#stepBetween(character, at);
      case 'after':
    }
  }

  #stepInText(character: string, at: number): void {
    if (this.#escape === AFTER_BACKSLASH) this.#escape = character === 'u' ? HEX_DIGITS : 0;
    else if (this.#escape > 0) this.#escape--;
    else if (character === '\\') this.#escape = AFTER_BACKSLASH;
    else if (character === '"') {
      if (this.#place === 'in a text') this.#wholeEnd = at + 1;
      this.#place = 'between';
      return;
    }
    if (this.#escape === 0) this.#textEnd = at + 1;
  }

  #stepBetween(character: string, at: number): void {
    switch (character) {
      case '{':
      case '[':
        return this.#open(character, at);
      case '}':
      case ']':
        return this.#close(at);
      case '"':
        this.#place = this.#expectsKey ? 'in a key' : 'in a text';
        this.#textEnd = at + 1;
        return;
      case ',':
        this.#endWord(at);
        this.#expectsKey = this.#closing.at(-1) === '}';
        return;
      case ':':
        this.#expectsKey = false;
        return;
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        return this.#endWord(at);
      default:
        this.#place = 'in a word';
    }
  }

  #open(bracket: '{' | '[', at: number): void {
    this.#closing.push(bracket === '{' ? '}' : ']');
    this.#expectsKey = bracket === '{';
    this.#wholeEnd = at + 1;
    // JSON that is too deep is not followed; it stays too deep.
    this.#place = this.#closing.length > MAX_DEPTH ? 'after' : 'between';
  }

  #close(at: number): void {
    this.#closing.pop();
    this.#wholeEnd = at + 1;
    this.#place = this.#closing.length === 0 ? 'after' : 'between';
  }

  #endWord(at: number): void {
    if (this.#place !== 'in a word') return;
    this.#wholeEnd = at;
    this.#place = 'between';
  }
}
