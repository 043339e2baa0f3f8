import { finished, type Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import type { TracedRun } from '../traced-run.js';
import { endUnread } from './ending.js';

/** A stream of Node or of the web: read in many ways, so it is watched from the side. */
export type ByteStream = Readable | ReadableStream;

export function isByteStream(value: object): value is ByteStream {
  const { pipe, on } = value as Partial<Readable>;
  return (
    value instanceof ReadableStream || (typeof pipe === 'function' && typeof on === 'function')
  );
}

/** Has the end of the stream end the run, whoever reads it. */
export function watchByteStream(work: TracedRun<unknown>, stream: ByteStream): void {
  // finished() takes streams of the web as well, which its types do not know.
  finished(stream as Readable, { writable: false }, (error) => {
    const wasLeft = error?.code === 'ERR_STREAM_PREMATURE_CLOSE';
    void endUnread(work, error && !wasLeft ? { error } : { result: undefined });
  });
  work.run.whenAborted((reason) => {
    if (work.run.ended) return;
    void work.fail(reason);
    if (!(stream instanceof ReadableStream)) stream.destroy(reason as Error);
    else if (!stream.locked) stream.cancel(reason).catch(() => undefined);
  });
}
