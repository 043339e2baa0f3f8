/** Where the events of a streamed answer come from, parsed. */
export interface WireReader {
  /** The next event that has arrived; `undefined` when {@link WireReader.read} must be waited for first. */
  take(): unknown;
  /** Waits for more events; `false` at the end of the stream. */
  read(): Promise<boolean>;
  /** Gives the stream up. */
  close(): Promise<void>;
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
    this.#event = event.value;
    return event.done !== true;
  }

  async close(): Promise<void> {
    await this.#events.return?.();
  }
}
