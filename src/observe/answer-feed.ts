import { defer, type Deferred } from '../util/promises.js';

type Read = { readonly done: boolean; readonly value: Uint8Array };

const NOTHING = new Uint8Array();

/**
 * The body of an answer, as the decoders of this library read it: bytes that a foreign reader is about to receive. Each
 * push waits until its bytes were decoded and handled, so that nothing is handed on before.
 */
export class AnswerFeed {
  readonly #pushed: Read[] = [];
  #waiting: Deferred<Read> | undefined;
  #drained: Deferred<void> | undefined;
  #failure: { readonly error: Error } | undefined;
  #isLeft = false;
  /** Whether the answer was complete: its run ends, whatever bytes follow. */
  isComplete = false;

  /** Whether nothing more is read: the answer is complete, or the run has ended. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** The part of a web stream that is read from. */
  getReader(): { read(): Promise<Read>; cancel(): Promise<void> } {
    return { read: () => this.#read(), cancel: async () => this.leave() };
  }

  /** Settles when the bytes were handled, or when nobody reads any more. */
  push(value: Uint8Array): Promise<void> {
    return this.#push({ done: false, value });
  }

  /** The body has ended. */
  end(): Promise<void> {
    return this.#push({ done: true, value: NOTHING });
  }

  /** The body has failed. */
  fail(error: unknown): void {
    this.#failure = { error: error as Error };
    this.#waiting?.reject(error);
    this.leave();
  }

  /** The answer is complete: nothing more is read. */
  complete(): void {
    this.isComplete = true;
    this.leave();
  }

  /** Nothing more is read. */
  leave(): void {
    this.#isLeft = true;
    this.#drained?.resolve();
  }

  #push(read: Read): Promise<void> {
    if (this.#isLeft) return Promise.resolve();
    this.#drained = defer();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#pushed.push(read);
    else waiting.resolve(read);
    return this.#drained.promise;
  }

  #read(): Promise<Read> {
    const next = this.#pushed.shift();
    if (next !== undefined) return Promise.resolve(next);
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error);
    // A reader that asks for more has handled what was there.
    this.#drained?.resolve();
    this.#waiting = defer();
    return this.#waiting.promise;
  }
}
