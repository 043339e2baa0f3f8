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

/** A promise with its `resolve` and `reject`. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export function defer<T>(): Deferred<T> {
  let ends!: Omit<Deferred<T>, 'promise'>;
  const promise = new Promise<T>((resolve, reject) => (ends = { resolve, reject }));
  return { promise, ...ends };
}

/** The longest delay of a timer; Node treats longer ones as 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The message for a `timeoutMs` that {@link isTimeoutMs} rejects. */
export const TIMEOUT_RULE =
  'timeoutMs must be a positive number of milliseconds (below 2^31); leave it out for no limit.';

/** Whether a value is a valid timeout in milliseconds. */
export function isTimeoutMs(ms: number): boolean {
  return ms > 0 && ms <= MAX_TIMEOUT_MS;
}

/** Settles like `work`, or rejects with the result of `expire` once the time is over. */
export async function withDeadline<T>(
  work: PromiseLike<T>,
  timeoutMs: number,
  expire: () => Error,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(expire()), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
