import { setTimeout as delay } from 'node:timers/promises';
import { isLongWait } from './long-wait.js';
import { retryAfterMs } from './retry-after.js';

/** What is left for the SDK to wait, in milliseconds; Anthropic's takes 0 for no answer. */
const LEFT_MS = '1';

/**
 * Moves an SDK's wait for `Retry-After` to where an abort ends it: the timer of OpenAI's SDK outlives a call that was
 * aborted, and keeps the process alive. An SDK that sends a request again cancels the body of the failed answer first, and
 * awaits that. So the body's `cancel()` takes as long as the server asks for, and the headers then ask for no more. An SDK
 * that does not retry reads text and headers as they were sent.
 *
 * Answers without a stream as body, as mocks of `fetch` give them, are left as they are.
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

/** A body that cannot be canceled, or a wait that is aborted, ends like any other. */
async function ignored(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch {
    return;
  }
}
