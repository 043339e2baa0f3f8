/** How long a provider asks to wait, in milliseconds: `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function retryAfterMs(headers: Headers | undefined): number | undefined {
  const inMs = Number.parseFloat(headers?.get?.('retry-after-ms') ?? '');
  if (inMs >= 0) return inMs;
  const header = headers?.get?.('retry-after');
  if (!header) return undefined;
  const seconds = Number(header);
  if (seconds >= 0) return seconds * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
