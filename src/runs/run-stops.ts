import { setMaxListeners } from 'node:events';
import { LlmAbortedError, LlmTimeoutError } from '../errors/llm-errors.js';

/** A source of aborts that is cheaper than a signal and its listeners. */
export interface StopSource {
  whenAborted(stop: (reason: unknown) => void): void;
  /** Removes a listener of `whenAborted`. */
  forget(stop: (reason: unknown) => void): void;
}

/** The sources that may stop a run from outside. */
export interface StopSources {
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
