import { setTimeout } from 'node:timers';

const LEAVE_WITHIN_MS = 1_000;

/** A source of the parsed events of a streamed answer. */
export interface WireReader {
  /** Whether the server marked the end of the stream. */
  readonly isDone: boolean;
  /** The next event that has arrived; `undefined` when {@link WireReader.read} must be awaited first. */
  take(): unknown;
  /** Waits for more events; `false` at the end of the stream. */
  read(): Promise<boolean>;
  /** Cancels the stream. */
  close(): Promise<void>;
  /** Lets the stream end after a complete answer. */
  leave(): Promise<void>;
}

/**
 * Reads a stream to its end, so that its connection can be reused; a server that never ends it is disconnected. Never
 * rejects: the connection of a complete answer no longer matters.
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

/** A whole answer where a stream was requested. */
export class WholeAnswer {
  constructor(readonly answer: object) {}
}

/** Reads an SDK's own stream, event by event. */
export class SdkReader implements WireReader {
  // It ends in the same way with and without the marker.
  readonly isDone = false;
  readonly #events: AsyncIterator<unknown>;
  #event: unknown;

  constructor(stream: AsyncIterable<unknown>) {
    this.#events = stream[Symbol.asyncIterator]();
  }

  /** Reads an answer that is not a stream, for instance from a mocked client. */
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
