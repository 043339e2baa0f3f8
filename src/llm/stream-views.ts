import { Observable } from 'rxjs';
import type { LlmChunk } from '../shapes/index.js';

/** The text of a stream alone. */
export async function* textOf(
  chunks: AsyncIterable<LlmChunk>,
): AsyncGenerator<string, void, undefined> {
  for await (const chunk of chunks) if (chunk.type === 'text') yield chunk.text;
}

/** A stream as an Observable, which reads it while it is subscribed. */
export function observe(chunks: AsyncIterable<LlmChunk>): Observable<LlmChunk> {
  return new Observable((subscriber) => {
    const reader = chunks[Symbol.asyncIterator]();
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
