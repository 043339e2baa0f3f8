import { withDeadline } from '../util/deadline.js';
import { CallbackTimeoutError } from '../errors/callbacks-error.js';
import type { RunEvent } from '../events/event.js';
import { callHandler, type Handler } from '../handlers/handler.js';
import type { InstanceOwner } from '../handlers/instance-source.js';
import { isThenable } from './promises.js';

/** Calls a handler and waits at most `timeoutMs` for it. Its signal fires then, and with `stop`. */
export function callWithTimeout(
  handler: Handler,
  timeoutMs: number,
  event: RunEvent,
  owner: InstanceOwner,
  stop: AbortSignal,
): unknown {
  const deadline = new AbortController();
  const signal = AbortSignal.any([deadline.signal, stop]);
  const returned = callHandler(handler, event, { signal }, owner);
  if (!isThenable(returned)) return returned;
  return withDeadline(returned, timeoutMs, () => {
    const error = new CallbackTimeoutError(
      `${handler.name} took longer than its timeoutMs of ${timeoutMs} and is no longer waited for.`,
    );
    deadline.abort(error);
    return error;
  });
}
