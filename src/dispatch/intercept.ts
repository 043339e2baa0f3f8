import { LlmAbortedError } from '../errors/llm-errors.js';
import { callHook, type Handler } from '../handlers/handler.js';
import type { DispatchTarget } from './handler-calls.js';
import { abortable } from './promises.js';

/** The first interceptor from the one numbered `from` on that a call goes through; its number is the end where none does. */
export function nextInterceptor(handlers: readonly Handler[], from: number, call: unknown): number {
  let at = from;
  while (at < handlers.length && !isWilling(handlers[at]!, call)) at++;
  return at;
}

/** Calls an interceptor where the runs that it starts know whom they come from. */
export function callInterceptor(
  handler: Handler,
  run: DispatchTarget,
  call: unknown,
  next: unknown,
): unknown {
  return run.insideHandler(handler, () => callHook(handler, run, call, next));
}

/** The error of a `next()` that is called when its run has ended. */
export function tooLate(what: string): LlmAbortedError {
  return new LlmAbortedError(
    `The ${what} is over: next() was called too late to ask for anything.`,
  );
}

/** A run whose work interceptors stand around. */
export interface InterceptedRun {
  readonly run: DispatchTarget;
  /** Keeps it open until something is settled that its end does not wait for. */
  holdOpen(work: PromiseLike<unknown>): void;
}

/** The work of one run, and the interceptors around it. */
export interface Interception<Q, R> {
  readonly kind: 'tool' | 'agent';
  readonly handlers: readonly Handler[];
  /** What an interceptor is shown of a request. */
  readonly viewOf: (request: Q) => object;
  readonly work: (request: Q) => R | Promise<R>;
}

/**
 * Calls the interceptors around work, from the outside in. Once the run is aborted, the work is still waited for, but not
 * the interceptors, which have things to bring in order.
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

/** An interceptor may have lost interest in it; then nobody hears of its failure. */
function forgettable<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

function isWilling({ active, when }: Handler, call: unknown): boolean {
  return active && (when === undefined || Boolean(when(call as never)));
}
