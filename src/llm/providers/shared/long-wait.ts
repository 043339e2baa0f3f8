import { retryAfterMs } from './retry-after.js';

/** Timers of Node end at once when they are given more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Marks headers whose `x-should-retry` is not the server's. */
const OURS: unique symbol = Symbol('nestjs-llm-callbacks.long-wait');

/**
 * Keeps an SDK from waiting longer than its call may last: its timer would outlive the call, and one that is too long for
 * Node would end at once. The SDK fails with the answer instead, and the error says how long to wait. Answers of other
 * kinds, as mocks of `fetch` give them, are left as they are.
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

/** Whether `x-should-retry` was set by {@link refuseLongWait}, so that it says nothing about the error. */
export function isLongWait(headers: unknown): boolean {
  return (Object(headers) as { [OURS]?: boolean })[OURS] === true;
}
