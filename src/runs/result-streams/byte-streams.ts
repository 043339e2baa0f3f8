import { finished, type Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import type { TracedRun } from '../traced-run.js';
import { endUnread } from './ending.js';

/** A Node or web stream: it can be read in many ways, so its end is observed from outside. */
export type ByteStream = Readable | ReadableStream;

export function isByteStream(value: object): value is ByteStream {
  const { pipe, on } = value as Partial<Readable>;
  return (
    value instanceof ReadableStream || (typeof pipe === 'function' && typeof on === 'function')
  );
}

/** Ends the run when the stream ends, whatever reads it. */
export function watchByteStream(work: TracedRun<unknown>, stream: ByteStream): void {
  // finished() also accepts web streams, which its types omit.
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
