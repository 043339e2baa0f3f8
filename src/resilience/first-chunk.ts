import type { LlmChunk, LlmResponse } from '../types/llm.js';
import type { LlmStream } from '../llm/llm-stream.js';

/** A streamed answer whose first chunk, or end, has arrived; from here on it cannot be taken back. */
export type StartedStream = AsyncGenerator<LlmChunk | LlmResponse, void, undefined>;

/** Waits for the first chunk or the end of a stream; fails if the stream fails before that. */
export async function firstChunk(stream: LlmStream): Promise<StartedStream> {
  const reader = stream[Symbol.asyncIterator]();
  const first = await reader.next();
  return rest(stream, reader, first);
}

async function* rest(
  stream: LlmStream,
  reader: AsyncIterableIterator<LlmChunk, undefined>,
  first: IteratorResult<LlmChunk, undefined>,
): StartedStream {
  try {
    for (let next = first; !next.done; next = await reader.next()) yield next.value;
    yield await stream.response;
  } finally {
    await reader.return?.();
  }
}
