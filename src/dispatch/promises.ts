import { setMaxListeners } from 'node:events';

/** Whether a value is to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** What work gives, as a promise, also where it throws or gives no promise: a promise that it gives is not wrapped. */
export function promised<T>(work: () => T | PromiseLike<T>): Promise<T> {
  try {
    const given = work();
    return given instanceof Promise ? (given as Promise<T>) : Promise.resolve(given);
  } catch (error) {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- whatever was thrown is passed on as it is
    return Promise.reject(error);
  }
}

/** Settles as `work` does, or rejects with the signal's reason when it fires first. */
export function abortable<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).then(() => signal.removeEventListener('abort', stop));
  });
}

/**
 * Has `stop` abort when a signal does. Not `AbortSignal.any()`, of which Node 20 keeps a trace in its sources: a signal
 * that lives as long as its application would gather them. Returns what ends it.
 *
 * @param toError what `stop` is aborted with, for the signal's reason
 */
export function stopWith(
  signal: AbortSignal,
  stop: AbortController,
  toError: (reason: unknown) => unknown = (reason) => reason,
): () => void {
  const follow = () => stop.abort(toError(signal.reason));
  if (signal.aborted) follow();
  else {
    // Any number of requests may follow one signal; Node would warn from eleven on.
    setMaxListeners(Infinity, signal);
    signal.addEventListener('abort', follow);
  }
  return () => signal.removeEventListener('abort', follow);
}
