import { setMaxListeners } from 'node:events';
import { LlmAbortedError, LlmTimeoutError } from '../errors/llm-errors.js';
import type { HandlerContext } from '../events/handler-options.js';

/** Called once, with the reason of an abort. */
export type AbortListener = (reason: unknown) => void;

/**
 * What can be aborted once. Its signal is created on first use: an AbortController costs more than everything else.
 */
export class Cancellation {
  #controller: AbortController | undefined;
  #abortion: { readonly reason: unknown } | undefined;
  #listeners: Set<AbortListener> | undefined;

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
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener(reason);
  }

  /** Calls `listener` on abort, now or later; cheaper than a listener of the signal. */
  onAbort(listener: AbortListener): void {
    if (this.#abortion) listener(this.#abortion.reason);
    else (this.#listeners ??= new Set()).add(listener);
  }

  /** Removes a listener of {@link onAbort}. */
  offAbort(listener: AbortListener): void {
    this.#listeners?.delete(listener);
  }

  /**
   * Releases the listeners. Promises of Node's `fetch` retain the run, which is their async context, beyond its end,
   * and would also retain its answer and everything that listens to its signal.
   */
  letGo(): void {
    this.#listeners = undefined;
    this.#controller = undefined;
  }

  /** Settles like `work`, or rejects with the reason if it is aborted first. */
  orAborted<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle =
        <V>(how: (value: V) => void) =>
        (value: V): void => {
          this.offAbort(reject);
          how(value);
        };
      work.then(settle(resolve), settle(reject));
      this.onAbort(reject);
    });
  }
}

/** A handler context whose signal is created on first use. */
export class LazySignal implements HandlerContext {
  readonly #source: Cancellation;

  constructor(source: Cancellation) {
    this.#source = source;
  }

  get signal(): AbortSignal {
    return this.#source.signal;
  }
}

/** A source of aborts that is cheaper than a signal and its listeners. */
export interface StopSource {
  /** Calls `listener` on abort, now or later. */
  onAbort(listener: AbortListener): void;
  /** Removes a listener of {@link onAbort}. */
  offAbort(listener: AbortListener): void;
}

/** The sources that may stop a run from outside. */
export interface StopSources {
  /** The name of the run's kind for users. */
  readonly what: 'call' | 'agent';
  /** Whether the run is read as a stream: a client that disconnects then cancels it. */
  readonly streaming: boolean;
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

/** Listens to the sources that may stop a run, until the returned function is called. */
export function watchStops(
  { what, timeoutMs, signal, clientLeft }: StopSources,
  run: Stoppable,
): (() => void) | undefined {
  if (timeoutMs === undefined && signal === undefined && clientLeft === undefined) return undefined;
  const onTimeout = () =>
    run.abort(new LlmTimeoutError(`The ${what} took longer than its timeoutMs of ${timeoutMs}.`));
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
  const onSignal = (cause: unknown) =>
    run.abort(new LlmAbortedError(`The ${what} was aborted by its signal.`, { cause }));
  const unfollowSignal = follow(signal, onSignal);
  const unfollowClient = follow(clientLeft, (reason) => run.disconnect(reason));
  return () => {
    clearTimeout(timer);
    unfollowSignal?.();
    unfollowClient?.();
  };
}

/** Calls `stop` when a source aborts, now or later; returns a function that stops listening. */
export function follow(
  signal: AbortSignal | StopSource | undefined,
  stop: (reason: unknown) => void,
): (() => void) | undefined {
  if (signal === undefined) return undefined;
  if ('onAbort' in signal) {
    signal.onAbort(stop);
    return () => signal.offAbort(stop);
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
