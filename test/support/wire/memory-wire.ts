/** What follows the last packet of an answer. */
export type Ending = 'end' | 'lost' | 'nothing';

/** An answer from memory, packet by packet, each when it is requested. */
export class Packets {
  /** The number of requested packets. */
  pulled = 0;
  /** Whether the reader has cancelled it. */
  isLeft = false;
  readonly #packets: Iterator<Uint8Array>;

  constructor(
    packets: Iterable<Uint8Array>,
    private readonly ending: Ending = 'end',
    private readonly contentType = 'text/event-stream',
  ) {
    this.#packets = packets[Symbol.iterator]();
  }

  response(signal?: AbortSignal | null): Response {
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          signal?.addEventListener('abort', () => {
            this.isLeft = true;
            controller.error(signal.reason);
          });
        },
        pull: (controller) => this.#pull(controller),
        cancel: () => void (this.isLeft = true),
      },
      // Nothing is prefetched, so that a lost connection loses nothing that had arrived.
      { highWaterMark: 0 },
    );
    return new Response(body, { headers: { 'content-type': this.contentType } });
  }

  #pull(controller: ReadableStreamDefaultController<Uint8Array>): void | Promise<void> {
    const { done, value } = this.#packets.next();
    if (!done) {
      this.pulled++;
      controller.enqueue(value);
    } else if (this.ending === 'end') {
      controller.close();
    } else if (this.ending === 'lost') {
      controller.error(lostConnection());
    } else {
      return new Promise(() => undefined);
    }
  }
}

/** A provider without a network: the `fetch` of an SDK's client, with the answers of a test. */
export class MemoryWire {
  readonly #answers: Packets[] = [];

  readonly fetch: typeof globalThis.fetch = async (_input, init) => {
    const packets = this.#answers.shift();
    if (packets === undefined) throw new Error('The test has no more answers.');
    return packets.response(init?.signal);
  };

  /** Sets the answers to the next requests, in order. */
  answers(...answers: readonly Packets[]): void {
    this.#answers.push(...answers);
  }
}

/** The error of Node's `fetch`. */
function lostConnection(): Error {
  const cause = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
  return new TypeError('terminated', { cause });
}
