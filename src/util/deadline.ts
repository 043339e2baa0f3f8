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
