/**
 * A signal that follows another one, but a turn of the event loop later while nobody waits for the next bytes of the
 * answer. The client of openai 7 aborts its request when the reader of a stream leaves, just before it cancels the body:
 * that is no abort.
 */
export class LateAbort {
  readonly #aborter = new AbortController();
  /** Of the answer, once it has arrived. */
  #isRead: (() => boolean) | undefined;

  /** @param signal of one request alone */
  constructor(signal: AbortSignal) {
    const abort = () => this.#aborter.abort(signal.reason);
    if (signal.aborted) abort();
    const onAbort = () => (this.#isRead?.() === false ? void setImmediate(abort) : abort());
    signal.addEventListener('abort', onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /**
   * The answer is handed over.
   *
   * @param isRead whether its reader waits for bytes
   */
  answered(isRead: () => boolean): void {
    this.#isRead = isRead;
  }
}
