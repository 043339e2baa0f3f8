import { setTimeout } from 'node:timers';

const LEAVE_WITHIN_MS = 1_000;

/** Where the events of a streamed answer come from, parsed. */
export interface WireReader {
  /** Whether the server marked the end of the stream. */
  readonly isDone: boolean;
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

/** An answer that came as a whole where a stream was asked for. */
export class WholeAnswer {
  constructor(readonly answer: object) {}
}

/** Reads an SDK's own stream, event by event. */
export class SdkReader implements WireReader {
  // It ends in the same way behind the marker and without it.
  readonly isDone = false;
  readonly #events: AsyncIterator<unknown>;
  #event: unknown;

  constructor(stream: AsyncIterable<unknown>) {
    this.#events = stream[Symbol.asyncIterator]();
  }

  /** Reads what is no stream, of a client that is mocked for instance. */
  static ofWhole(answer: object): SdkReader {
    return new SdkReader(only(new WholeAnswer(answer)));
  }

  take(): unknown {
    const event = this.#event;
    this.#event = undefined;
    return event;
  }

  async read(): Promise<boolean> {
    const event: IteratorResult<unknown> = await this.#events.next();
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

async function* only(event: unknown): AsyncGenerator<unknown, undefined, undefined> {
  yield event;
  return undefined;
}
