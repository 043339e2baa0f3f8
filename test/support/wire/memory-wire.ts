/** What comes behind the last packet of an answer. */
export type Ending = 'end' | 'lost' | 'nothing';

/** An answer that comes from memory, packet by packet, each when it is asked for. */
export class Packets {
  /** How many were asked for. */
  pulled = 0;
  /** Whether the reader has given it up. */
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
      // Nothing is fetched ahead, so that a lost connection loses nothing that had arrived.
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

/** A provider without a network: the `fetch` of an SDK's client, with the answers that a test gives it. */
export class MemoryWire {
  readonly #answers: Packets[] = [];

  readonly fetch: typeof globalThis.fetch = async (_input, init) => {
    const packets = this.#answers.shift();
    if (packets === undefined) throw new Error('The test has no more answers.');
    return packets.response(init?.signal);
  };

  /** Says how the next requests are answered, in order. */
  answers(...answers: readonly Packets[]): void {
    this.#answers.push(...answers);
  }
}

/** As Node's `fetch` says it. */
function lostConnection(): Error {
  const cause = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
  return new TypeError('terminated', { cause });
}
