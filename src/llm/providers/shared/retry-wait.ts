import { setTimeout as delay } from 'node:timers/promises';
import { isLongWait } from './long-wait.js';
import { retryAfterMs } from './retry-after.js';

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
