import { retryAfterMs } from './retry-after.js';

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
