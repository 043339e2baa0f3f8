import { setMaxListeners } from 'node:events';
import { LlmAbortedError, LlmTimeoutError } from '../errors/llm-errors.js';
import type { HandlerContext } from '../events/callbacks.js';

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

/** A source of aborts that is cheaper than a signal and its listeners. */
export interface StopSource {
  whenAborted(stop: (reason: unknown) => void): void;
  /** Removes a listener of `whenAborted`. */
  forget(stop: (reason: unknown) => void): void;
}

/** The sources that may stop a run from outside. */
interface StopSources {
  readonly timeoutMs: number | undefined;
  /** The caller's signal. */
  readonly signal: AbortSignal | StopSource | undefined;
  /** Fires when the client of the inbound request disconnects. */
  readonly clientLeft: AbortSignal | undefined;
}

/** The part of a run that stops it. */
export interface Stoppable {
  abort(reason: Error): void;
  /** Aborts the run because the client of the inbound request disconnected. */
  disconnect(reason: unknown): void;
}

/**
 * Listens to the sources that may stop a run, until the returned function is called; most runs have no sources.
 *
 * @param what the name of the run's kind for users
 */
export function watchStops(
  { timeoutMs, signal, clientLeft }: StopSources,
  run: Stoppable,
  what: 'call' | 'agent',
): (() => void) | undefined {
  if (timeoutMs === undefined && signal === undefined && clientLeft === undefined) return undefined;
  const onTimeout = () =>
    run.abort(new LlmTimeoutError(`The ${what} took longer than its timeoutMs of ${timeoutMs}.`));
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
  const unfollowSignal = follow(signal, (cause) =>
    run.abort(new LlmAbortedError(`The ${what} was aborted by its signal.`, { cause })),
  );
  const unfollowClient = follow(clientLeft, (reason) => run.disconnect(reason));
  return () => {
    clearTimeout(timer);
    unfollowSignal?.();
    unfollowClient?.();
  };
}

/** Calls `stop` when a signal fires; returns a function that stops listening. */
function follow(
  signal: AbortSignal | StopSource | undefined,
  stop: (reason: unknown) => void,
): (() => void) | undefined {
  if (signal === undefined) return undefined;
  if ('whenAborted' in signal) {
    signal.whenAborted(stop);
    return () => signal.forget(stop);
  }
  const listener = () => stop(signal.reason);
  if (signal.aborted) {
    listener();
    return undefined;
  }
  // Any number of runs may share one signal; Node warns of a leak from eleven listeners on.
  setMaxListeners(Infinity, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
