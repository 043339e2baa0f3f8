import { setTimeout } from 'node:timers';
import { thrownInBody } from './error-in-body.js';

const LEAVE_WITHIN_MS = 1_000;

/** Where the events of a streamed answer come from, parsed. */
export interface WireReader {
  /** The next event that has arrived; `undefined` when {@link WireReader.read} must be waited for first. */
  take(): unknown;
  /** Waits for more events; `false` at the end of the stream. */
  read(): Promise<boolean>;
  /** Gives the stream up. */
  close(): Promise<void>;
  /** Lets the stream end behind an answer that is complete. */
  leave(): Promise<void>;
}

/**
 * Reads on to the end of a stream, so that its connection can be used again; a server that never ends it is left. Never
 * rejects: what happens to the connection of a complete answer is of no interest.
 */
export async function readToEnd(
  read: () => Promise<{ done?: boolean }>,
  close: () => Promise<void>,
): Promise<void> {
  const giveUp = setTimeout(() => void close().catch(() => undefined), LEAVE_WITHIN_MS).unref();
  try {
    while (!(await read()).done);
  } catch {
    // As above.
  } finally {
    clearTimeout(giveUp);
  }
}

/** Reads an SDK's own stream, event by event. */
export class SdkReader implements WireReader {
  readonly #events: AsyncIterator<unknown>;
  #event: unknown;

  constructor(stream: AsyncIterable<unknown>) {
    this.#events = stream[Symbol.asyncIterator]();
  }

  take(): unknown {
    const event = this.#event;
    this.#event = undefined;
    return event;
  }

  async read(): Promise<boolean> {
    const event: IteratorResult<unknown> = await this.#events.next();
    const failure = thrownInBody(event.value);
    if (failure !== undefined) throw failure;
    this.#event = event.value;
    return event.done !== true;
  }

  async close(): Promise<void> {
    await this.#events.return?.();
  }

  leave(): Promise<void> {
    return readToEnd(
      () => this.#events.next(),
      () => this.close(),
    );
  }
}
