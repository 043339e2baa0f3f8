/** Settles as `work` does, or fails with what `expire` gives once the time is over. */
export async function withDeadline<T>(
  work: Promise<T>,
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
