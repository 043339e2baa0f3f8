import { setMaxListeners } from 'node:events';
import { LlmAbortedError, LlmTimeoutError } from '../errors/llm-errors.js';

/** What stops other work with itself, at less than a signal and its listeners cost. */
export interface StopSource {
  whenAborted(stop: (reason: unknown) => void): void;
  /** Takes back what was said to `whenAborted`. */
  forget(stop: (reason: unknown) => void): void;
}

/** What may stop a run from outside. */
export interface StopSources {
  readonly timeoutMs: number | undefined;
  /** The caller's. */
  readonly signal: AbortSignal | StopSource | undefined;
  /** Fires when the client of the inbound request leaves. */
  readonly clientLeft: AbortSignal | undefined;
}

/** A run, as far as it can be stopped. */
export interface Stoppable {
  abort(reason: Error): void;
  /** The client of the inbound request left. */
  disconnect(reason: unknown): void;
}

/**
 * Watches what may stop a run, until what is returned is called; most runs have nothing to be watched.
 *
 * @param what what it is to the user
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

/** Has `stop` called when a signal fires; returns what ends that. */
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
  // Any number of runs may be given one signal; Node would warn of a leak from eleven on.
  setMaxListeners(Infinity, signal);
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
