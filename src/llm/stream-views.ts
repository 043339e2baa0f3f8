import { Observable } from 'rxjs';
import type { LlmChunk } from '../shapes/index.js';
import { PartialJson } from './partial-json.js';

/** The text of a stream alone. */
export async function* textOf(
  chunks: AsyncIterable<LlmChunk>,
): AsyncGenerator<string, void, undefined> {
  for await (const chunk of chunks) if (chunk.type === 'text') yield chunk.text;
}

/** A value that is still being written: properties may be missing, lists and texts unfinished. */
export type DeepPartial<T> = T extends readonly (infer Item)[]
  ? DeepPartial<Item>[]
  : T extends object
    ? { [Key in keyof T]?: DeepPartial<T[Key]> }
    : T;

/** The JSON object or list that the text of a stream grows to; each state once, as a value of its own. */
export async function* partialObjectsOf(
  chunks: AsyncIterable<LlmChunk>,
): AsyncGenerator<unknown, void, undefined> {
  const json = new PartialJson();
  for await (const chunk of chunks) {
    const value = chunk.type === 'text' ? json.add(chunk.text) : undefined;
    if (value !== undefined) yield value;
  }
  const last = json.read();
  if (last !== undefined) yield last;
}

/** A stream as an Observable, which reads it while it is subscribed. */
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
