import { Observable } from 'rxjs';
import { unwrapped } from '../../schema/answer-schema.js';
import type { LlmChunk } from '../../types/llm.js';
import { PartialJson } from './partial-json.js';

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
