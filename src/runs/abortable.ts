import type { HandlerContext } from '../events/handler-options.js';

/** What can be aborted, once. Its signal is made when somebody asks for it: an AbortController costs more than all else. */
export class Abortable {
  #controller: AbortController | undefined;
  #abortion: { readonly reason: unknown } | undefined;
  #onAbort: ((reason: unknown) => void) | undefined;

  /** Fires when it is aborted. */
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

  /** What it was aborted with. */
  get reason(): unknown {
    return this.#abortion?.reason;
  }

  /** Fires the signal; the first reason stays. */
  abort(reason: unknown): void {
    if (this.#abortion) return;
    this.#abortion = { reason };
    this.#controller?.abort(reason);
    this.#onAbort?.(reason);
  }

  /** Lets whoever runs it know of an abort, now or later, at less than a listener of the signal costs. */
  whenAborted(listener: (reason: unknown) => void): void {
    this.#onAbort = listener;
    if (this.#abortion) listener(this.#abortion.reason);
  }

  /**
   * Lets go of who would have been told. Promises of Node's own `fetch` keep the run, which is their context, beyond its
   * end, and with it would keep its answer, and all that has listened to its signal.
   */
  letGo(): void {
    this.#onAbort = undefined;
    this.#controller = undefined;
  }

  /** Settles as `work` does, or rejects with the reason when it is aborted first. */
  orAborted<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      this.whenAborted(reject);
    });
  }
}

/** A signal that is made when a handler asks for it. */
export class LazySignal implements HandlerContext {
  readonly #source: Abortable;

  constructor(source: Abortable) {
    this.#source = source;
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }
}
