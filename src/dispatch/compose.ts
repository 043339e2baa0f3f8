import { LlmAbortedError } from '../errors/llm-errors.js';
import { callHook, type Handler } from '../handlers/handler.js';
import { abortable } from '../util/promises.js';
import type { DispatchTarget } from './invoke-handler.js';

/** The index of the first interceptor from `from` on that applies to the call; the length of the list if none does. */
export function nextInterceptor(handlers: readonly Handler[], from: number, call: unknown): number {
  let at = from;
  while (at < handlers.length && !isWilling(handlers[at]!, call)) at++;
  return at;
}

/** Calls an interceptor in a frame that links the runs it starts to the interceptor. */
export function callInterceptor(
  handler: Handler,
  run: DispatchTarget,
  call: unknown,
  next: unknown,
): unknown {
  return run.insideHandler(handler, () => callHook(handler, run, call, next));
}

/** The error for a `next()` that is called after its run has ended. */
export function tooLate(what: string): LlmAbortedError {
  return new LlmAbortedError(
    `The ${what} is over: next() was called too late to ask for anything.`,
  );
}

/** A run that interceptors wrap. */
export interface InterceptedRun {
  readonly run: DispatchTarget;
  /** Keeps the run open until `work` settles, which its end does not wait for. */
  holdOpen(work: PromiseLike<unknown>): void;
}

/** The work of one run, and the interceptors that wrap it. */
export interface Interception<Q, R> {
  readonly kind: 'tool' | 'agent';
  readonly handlers: readonly Handler[];
  /** The request as an interceptor sees it. */
  readonly viewOf: (request: Q) => object;
  readonly work: (request: Q) => R | Promise<R>;
}

/**
 * Calls the interceptors around the work, outermost first. After an abort, the work is still awaited, but not the
 * interceptors, which may still be cleaning up.
 */
export async function interceptWork<Q, R>(
  around: InterceptedRun,
  { kind, handlers, viewOf, work }: Interception<Q, R>,
  original: Q,
): Promise<R> {
  const { run } = around;
  const working = new Set<Promise<R>>();
  const goOn = async (from: number, request: Q): Promise<R> => {
    if (run.signal.aborted) throw run.signal.reason as Error;
    if (run.ended) throw tooLate(kind);
    const view = viewOf(request);
    const at = nextInterceptor(handlers, from, view);
    if (at < handlers.length) {
      const next = (changed: Q = request) => forgettable(goOn(at + 1, changed));
      return (await callInterceptor(handlers[at]!, run, view, next)) as R;
    }
    const done = forgettable((async () => work(request))());
    working.add(done);
    return done.finally(() => working.delete(done));
  };
  const going = goOn(0, original);
  around.holdOpen(going);
  try {
    return await abortable(going, run.signal);
  } finally {
    if (run.signal.aborted) await Promise.allSettled(working);
  }
}

/** Prevents an unhandled rejection if an interceptor drops the promise. */
function forgettable<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

function isWilling({ active, when }: Handler, call: unknown): boolean {
  return active && (when === undefined || Boolean(when(call as never)));
}
