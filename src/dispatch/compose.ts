import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { LlmAbortedError } from '../errors/llm-errors.js';
import { callMethod, type Handler } from '../handlers/handler.js';
import { isThenable } from '../util/promises.js';
import type { DispatchTarget } from './invoke-handler.js';

/**
 * The interceptors around one piece of work.
 *
 * @typeParam C the call, as an interceptor receives it
 * @typeParam R what the chain returns
 */
export interface InterceptorChain<C, R> {
  readonly run: DispatchTarget;
  /** The interceptors of the run's kind, outermost first. */
  readonly handlers: readonly Handler[];
  /** The work behind the last interceptor. */
  work(call: C): R;
  /** The `next` of an interceptor that receives `call`; `goOn` continues behind the interceptor with another call. */
  next(call: C, goOn: (inner: C) => R): (...args: never[]) => unknown;
  /** Accepts or rejects what an interceptor returned. */
  accept(given: unknown, interceptor: Handler, call: C): R;
}

/** Calls the interceptors that apply to a call, the outermost first, and the work behind the last one. */
export function compose<C, R>(chain: InterceptorChain<C, R>, call: C, from = 0): R {
  const { run, handlers } = chain;
  let at = from;
  while (at < handlers.length && !applies(handlers[at]!, call)) at++;
  const handler = handlers[at];
  if (handler === undefined) return chain.work(call);
  const next = chain.next(call, (inner) => compose(chain, inner, at + 1));
  // In a frame that links the runs that the interceptor starts to the interceptor.
  const given = run.insideHandler(handler, () => callMethod(handler, run, call, next), true);
  return chain.accept(given, handler, call);
}

function applies({ active, when }: Handler, call: unknown): boolean {
  return active && (when === undefined || Boolean(when(call as never)));
}

/** The error for a `next()` that is called after its run has ended. */
export function tooLate(what: string): LlmAbortedError {
  return new LlmAbortedError(
    `The ${what} is over: next() was called too late to ask for anything.`,
  );
}

/** A run that interceptors wrap. */
interface InterceptedRun {
  readonly run: DispatchTarget;
  /** Keeps the run open until `work` settles, which its end does not wait for. */
  holdOpen(work: PromiseLike<unknown>): void;
}

/** The work of one run, and the interceptors that wrap it. */
interface Interception<Q, R> {
  /** The name of the run's kind for users. */
  readonly kind: string;
  readonly handlers: readonly Handler[];
  /** The call with a request, as an interceptor receives it. */
  readonly viewOf: (request: Q) => { readonly request: Q };
  readonly work: (request: Q) => R;
}

/**
 * Calls interceptors around asynchronous work. After an abort, the work is still awaited, but not the interceptors,
 * which may still be cleaning up.
 */
export async function interceptWork<Q, R>(
  around: InterceptedRun,
  { kind, handlers, viewOf, work }: Interception<Q, R | Promise<R>>,
  original: Q,
): Promise<R> {
  const { run } = around;
  const working = new Set<Promise<R>>();
  const chain: InterceptorChain<{ readonly request: Q }, Promise<R>> = {
    run,
    handlers,
    work({ request }) {
      const done = forgettable((async () => work(request))());
      working.add(done);
      return done.finally(() => working.delete(done));
    },
    next: (call, goOn) => {
      const go = async (request: Q): Promise<R> => {
        checkOpen(run, kind);
        return goOn(viewOf(request));
      };
      return (request: Q = call.request) => forgettable(go(request));
    },
    accept: async (given) => given as R,
  };
  const going = (async () => {
    checkOpen(run, kind);
    return compose(chain, viewOf(original));
  })();
  around.holdOpen(going);
  try {
    return await run.orAborted(going);
  } finally {
    if (run.aborted) await Promise.allSettled(working);
  }
}

/**
 * Calls interceptors around work that is called synchronously: they must be synchronous too, unless the work returns a
 * promise.
 */
export function interceptNow<Q, R>(
  { run }: InterceptedRun,
  { kind, handlers, viewOf, work }: Interception<Q, R>,
  original: Q,
): R {
  let isPromised = false;
  const chain: InterceptorChain<{ readonly request: Q }, R> = {
    run,
    handlers,
    work({ request }) {
      const result = work(request);
      isPromised ||= isThenable(result);
      return result;
    },
    next:
      (call, goOn) =>
      (request: Q = call.request) => {
        checkOpen(run, kind);
        return goOn(viewOf(request));
      },
    accept(given, { name }) {
      if (!isThenable(given) || isPromised) return given as R;
      given.then(undefined, () => undefined);
      throw new CallbacksConfigurationError(
        `${name} is asynchronous, but wraps a synchronous ${kind}: return what next() returns, or make the method of the ${kind} async.`,
      );
    },
  };
  return compose(chain, viewOf(original));
}

function checkOpen(run: DispatchTarget, kind: string): void {
  if (run.aborted) throw run.reason as Error;
  if (run.ended) throw tooLate(kind);
}

/** Prevents an unhandled rejection if an interceptor drops the promise. */
function forgettable<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}
