/** The delay that a provider requests, in milliseconds: `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function retryAfterMs(headers: unknown): number | undefined {
  const inMs = numberOf(headerOf(headers, 'retry-after-ms'));
  if (inMs !== undefined) return inMs;
  const header = headerOf(headers, 'retry-after');
  if (!header) return undefined;
  const seconds = numberOf(header);
  if (seconds !== undefined) return seconds * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** Whether the server recommends a retry, by a header that both SDKs follow; `undefined` if it is absent. */
export function shouldRetry(headers: unknown): boolean | undefined {
  switch (headerOf(headers, 'x-should-retry')?.toLowerCase()) {
    case 'true':
      return true;
    case 'false':
      return false;
    default:
      return undefined;
  }
}

/** Old SDKs and mocks have plain objects. */
function headerOf(headers: unknown, name: string): string | undefined {
  const { get } = Object(headers) as { get?: unknown };
  const value =
    typeof get === 'function'
      ? (get.call(headers, name) as unknown)
      : (Object(headers) as Record<string, unknown>)[name];
  return typeof value === 'string' ? value.trim() : undefined;
}

/** A number in digits, neither negative nor infinite. */
function numberOf(text: string | undefined): number | undefined {
  const number = text && /^\d{1,15}(?:\.\d*)?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isNaN(number) ? undefined : number;
}
