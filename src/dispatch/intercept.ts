import { callHook, type Handler } from '../registry/index.js';
import type { Audience } from './dispatcher.js';

/** The first interceptor from the one numbered `from` on that a call goes through; its number is the end where none does. */
export function nextInterceptor(handlers: readonly Handler[], from: number, call: unknown): number {
  let at = from;
  while (at < handlers.length && !isWilling(handlers[at]!, call)) at++;
  return at;
}

/** Calls an interceptor where the runs that it starts know whom they come from. */
export function callInterceptor(
  handler: Handler,
  run: Audience,
  call: unknown,
  next: unknown,
): unknown {
  return run.insideHandler(handler, () => callHook(handler, run, call, next));
}

/**
 * Calls the interceptors around work, from the outside in.
 *
 * @param viewOf what an interceptor is shown of a request
 */
export async function interceptWork<Q, R>(
  handlers: readonly Handler[],
  run: Audience,
  viewOf: (request: Q) => object,
  work: (request: Q) => R | Promise<R>,
  request: Q,
  from = 0,
): Promise<R> {
  if (run.signal.aborted) throw run.signal.reason as Error;
  const view = viewOf(request);
  const at = nextInterceptor(handlers, from, view);
  if (at === handlers.length) return work(request);
  const next = (changed: Q = request) =>
    interceptWork(handlers, run, viewOf, work, changed, at + 1);
  return (await callInterceptor(handlers[at]!, run, view, next)) as R;
}

function isWilling({ active, when }: Handler, call: unknown): boolean {
  return active && (when === undefined || Boolean(when(call as never)));
}
