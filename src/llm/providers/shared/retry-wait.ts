import { setTimeout as delay } from 'node:timers/promises';

/** The delay left for the SDK, in milliseconds; Anthropic's SDK treats 0 as missing. */
const LEFT_MS = '1';

/**
 * Moves an SDK's wait for `Retry-After` to where an abort ends it: the timer of OpenAI's SDK outlives an aborted call
 * and keeps the process alive. An SDK that retries first cancels the body of the failed answer, and awaits that. So the
 * body's `cancel()` takes as long as the server requests, and the headers then request no more. An SDK that does not
 * retry reads text and headers as they were sent.
 *
 * Answers whose body is not a stream, such as mocks of `fetch` return, stay unchanged.
 *
 * @param signal ends the wait
 */
export function waitInCancel(response: Response, signal: AbortSignal): Response {
  const { ok, headers, body } = Object(response) as Partial<Response>;
  if (ok !== false || !(headers instanceof Headers) || typeof body?.cancel !== 'function') {
    return response;
  }
  const ms = isLongWait(headers) ? undefined : retryAfterMs(headers);
  if (ms === undefined || !Object.isExtensible(response)) return response;
  const left = new Headers(headers);
  const cancel = async (reason: unknown): Promise<void> => {
    await Promise.all([ignored(body.cancel(reason)), ignored(delay(ms, undefined, { signal }))]);
    left.set('retry-after-ms', LEFT_MS);
    left.delete('retry-after');
  };
  const value = new ReadableStream({ cancel });
  Object.defineProperty(response, 'headers', { value: left, configurable: true });
  Object.defineProperty(response, 'body', { value, configurable: true });
  return response;
}

/** A body that cannot be canceled, or an aborted wait, ends like any other. */
async function ignored(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch {
    return;
  }
}

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

/** Node's timers fire immediately for longer delays. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Marks headers whose `x-should-retry` is not the server's. */
const OURS: unique symbol = Symbol('nestjs-llm-callbacks.long-wait');

/**
 * Prevents an SDK from waiting longer than its call may last: its timer would outlive the call, and a timer too long
 * for Node would fire immediately. The SDK fails with the answer instead, and the error has the delay. Answers of other
 * kinds, such as mocks of `fetch` return, stay unchanged.
 *
 * @param deadline when the call ends, by `performance.now()`
 */
export function refuseLongWait(response: Response, deadline: number | undefined): Response {
  const { ok, headers } = Object(response) as Partial<Response>;
  if (ok !== false || !(headers instanceof Headers) || !Object.isExtensible(response)) {
    return response;
  }
  const left = deadline === undefined ? MAX_TIMER_MS : deadline - performance.now();
  if ((retryAfterMs(headers) ?? 0) <= Math.min(left, MAX_TIMER_MS)) return response;
  const value = new Headers(headers);
  value.set('x-should-retry', 'false');
  Object.defineProperty(value, OURS, { value: true });
  Object.defineProperty(response, 'headers', { value, configurable: true });
  return response;
}

/** Whether {@link refuseLongWait} set `x-should-retry`, so that it does not describe the error. */
export function isLongWait(headers: unknown): boolean {
  return (Object(headers) as { [OURS]?: boolean })[OURS] === true;
}
