import type { HandlerContext } from '../events/handler-options.js';

/**
 * Something that can be aborted once. Its signal is created on first use: an AbortController costs more than everything
 * else.
 */
export class Abortable {
  #controller: AbortController | undefined;
  #abortion: { readonly reason: unknown } | undefined;
  #onAbort: ((reason: unknown) => void) | undefined;

  /** Fires on abort. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortion) this.#controller.abort(this.#abortion.reason);
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#abortion !== undefined;
  }

  /** The reason of the abort. */
  get reason(): unknown {
    return this.#abortion?.reason;
  }

  /** Fires the signal; the first reason wins. */
  abort(reason: unknown): void {
    if (this.#abortion) return;
    this.#abortion = { reason };
    this.#controller?.abort(reason);
    this.#onAbort?.(reason);
  }

  /** Calls `listener` on abort, now or later; cheaper than a listener of the signal. */
  whenAborted(listener: (reason: unknown) => void): void {
    this.#onAbort = listener;
    if (this.#abortion) listener(this.#abortion.reason);
  }

  /**
   * Releases the listeners. Promises of Node's `fetch` retain the run, which is their async context, beyond its end,
   * and would also retain its answer and everything that listens to its signal.
   */
  letGo(): void {
    this.#onAbort = undefined;
    this.#controller = undefined;
  }

  /** Settles like `work`, or rejects with the reason if it is aborted first. */
  orAborted<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      this.whenAborted(reject);
    });
  }
}

/** A handler context whose signal is created on first use. */
export class LazySignal implements HandlerContext {
  readonly #source: Abortable;

  constructor(source: Abortable) {
    this.#source = source;
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }
}
