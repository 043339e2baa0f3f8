/** What timers can wait for; Node takes more for 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What is said of a `timeoutMs` that {@link isTimeoutMs} refuses. */
export const TIMEOUT_RULE =
  'timeoutMs must be a positive number of milliseconds (below 2^31); leave it out for no limit.';

/** Whether work can be held to so many milliseconds. */
export function isTimeoutMs(ms: number): boolean {
  return ms > 0 && ms <= MAX_TIMEOUT_MS;
}

/** Settles as `work` does, or fails with what `expire` gives once the time is over. */
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
