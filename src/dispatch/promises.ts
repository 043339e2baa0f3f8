import { setMaxListeners } from 'node:events';

/** Whether a value is a promise or another thenable. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** The result of `work` as a promise, also if it throws or returns a plain value. A returned promise is not wrapped. */
export function promised<T>(work: () => T | PromiseLike<T>): Promise<T> {
  try {
    const given = work();
    return given instanceof Promise ? (given as Promise<T>) : Promise.resolve(given);
  } catch (error) {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the thrown value is passed on unchanged
    return Promise.reject(error);
  }
}

/** Settles like `work`, or rejects with the signal's reason if the signal fires first. */
export function abortable<T>(work: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).then(() => signal.removeEventListener('abort', stop));
  });
}

/**
 * Aborts `stop` when a signal aborts. Does not use `AbortSignal.any()`, which leaks memory in its source signals on
 * Node 20 if they live as long as the application. Returns a function that stops listening.
 *
 * @param toError maps the signal's reason to the reason of `stop`
 */
export function stopWith(
  signal: AbortSignal,
  stop: AbortController,
  toError: (reason: unknown) => unknown = (reason) => reason,
): () => void {
  const follow = () => stop.abort(toError(signal.reason));
  if (signal.aborted) follow();
  else {
    // Any number of requests may listen to one signal; Node warns from eleven listeners on.
    setMaxListeners(Infinity, signal);
    signal.addEventListener('abort', follow);
  }
  return () => signal.removeEventListener('abort', follow);
}
