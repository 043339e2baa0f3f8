import { CallbacksConfigurationError, CallbackTimeoutError } from '../errors/callbacks-error.js';
import type { HandlerContext } from '../events/handler-options.js';
import { BILLABLE_KINDS, type EventSelector } from '../events/event-map.js';
import type { RunEvent } from '../events/event.js';
import { isThenable, withDeadline } from '../util/promises.js';

/**
 * A callback of an object: one method that handles one kind of event, or intercepts one kind of run, with its options
 * checked and defaulted.
 */
export interface HandlerSpec {
  /** `Class.method`, for logs and errors. */
  readonly name: string;
  readonly selector: HookSelector;
  /** The object that has the method; for a request-scoped provider, an object that represents all its instances. */
  readonly target: object;
  readonly method: string;
  readonly order: number;
  readonly critical: boolean;
  /** Whether it is declared to start no runs, so that it needs no frame. */
  readonly contextFree: boolean;
  readonly timeoutMs: number | undefined;
  readonly background: boolean | 'durable';
  /** The name of a durable handler in the job queue. */
  readonly jobName: string | undefined;
  readonly scopes: readonly string[] | undefined;
  /** Called with the event, or with the call for an interceptor. */
  readonly when: ((event: never) => unknown) | undefined;
  /** Whether the method has no decorator and is recognized by its name. */
  readonly isByName: boolean;
}

/** A callback's entry in the registry. */
export interface Handler extends HandlerSpec {
  readonly spec: HandlerSpec;
  /** Finds the object whose method is called, if that is not the target. */
  readonly instances: InstanceSource | undefined;
  /** Whether it is called directly, without a filter, a flag or a timeout. */
  readonly isPlain: boolean;
  /** `false` once removed: active runs stop calling it immediately. */
  active: boolean;
}

export function toHandler(spec: HandlerSpec, instances?: InstanceSource): Handler {
  const isPlain =
    spec.when === undefined && spec.timeoutMs === undefined && !spec.critical && !spec.background;
  // Field by field: an application may have thousands, and on Node 20 a spread takes 13 µs.
  return {
    name: spec.name,
    selector: spec.selector,
    target: spec.target,
    method: spec.method,
    order: spec.order,
    critical: spec.critical,
    contextFree: spec.contextFree,
    timeoutMs: spec.timeoutMs,
    background: spec.background,
    jobName: spec.jobName,
    scopes: spec.scopes,
    when: spec.when,
    isByName: spec.isByName,
    spec,
    instances,
    isPlain,
    active: true,
  };
}

/** A handler: a method, or a named function. */
export type HandlerFunction = (event: RunEvent, context: HandlerContext) => unknown;

/** The current method, which a spy may have replaced. */
export function methodOf({ target, method }: Handler): HandlerFunction {
  return (target as Record<string, HandlerFunction>)[method]!;
}

/**
 * Calls a handler. For a request-scoped provider, calls it on the owner's instance, which may have to be created first.
 */
export function callHandler(
  handler: Handler,
  event: RunEvent,
  context: HandlerContext,
  owner: InstanceOwner,
): unknown {
  if (handler.instances === undefined)
    return methodOf(handler).call(handler.target, event, context);
  return callMethod(handler, owner, event, context);
}

/**
 * Calls the method of a callback (such as an interceptor) with any arguments: synchronously, unless its instance must
 * be created first. Fails with the error of the method or of the instance's constructor.
 */
export function callMethod(handler: Handler, owner: InstanceOwner, ...args: unknown[]): unknown {
  const { instances } = handler;
  const target = instances === undefined ? handler.target : instances.of(owner);
  return target instanceof Promise
    ? target.then((built: object) => callOn(built, handler, args))
    : callOn(target, handler, args);
}

function callOn(target: object, { method, name }: Handler, args: unknown[]): unknown {
  const found = (target as Record<string, unknown>)[method];
  if (typeof found === 'function') return found.apply(target, args) as unknown;
  throw new CallbacksConfigurationError(
    `${name} cannot be called: the factory of this provider made something else than an instance of the class that it is provided as.`,
  );
}

/** The kinds of runs that can be intercepted. */
const INTERCEPTED_KINDS = [...BILLABLE_KINDS, 'tool', 'agent', 'chain', 'retrieval'] as const;
export type InterceptedKind = (typeof INTERCEPTED_KINDS)[number];

/** What an interceptor is registered for. */
export type InterceptorSelector = `intercept.${InterceptedKind}`;

/** What an interceptor of a kind of run is registered for. */
export function interceptorSelector<K extends InterceptedKind>(kind: K): `intercept.${K}` {
  return `intercept.${kind}`;
}

/** What a method with `@BindContext()` is registered for. */
export const BIND_CONTEXT = 'bind.context';

/** Whether a callback wraps runs instead of handling events. */
export function wrapsRuns({ selector }: { readonly selector: HookSelector }): boolean {
  return (WRAPPER_SELECTORS as readonly HookSelector[]).includes(selector);
}

/** What a decorated method is registered for: an event, a kind of run to intercept, or the context of runs. */
export type HookSelector = EventSelector | InterceptorSelector | typeof BIND_CONTEXT;

/** The selectors of the callbacks that wrap runs. */
export const WRAPPER_SELECTORS: readonly (InterceptorSelector | typeof BIND_CONTEXT)[] = [
  ...INTERCEPTED_KINDS.map(interceptorSelector),
  BIND_CONTEXT,
];

/** Options of an interceptor. `C` is the call that it receives. */
export interface InterceptorOptions<C> {
  /**
   * Intercept only runs of these named clients and everything nested under them.
   * @default the class's `@CallbackScope()`, else every run
   */
  scope?: string | string[];
  /**
   * The lowest is outermost. `Infinity` is innermost, and sees each request that is actually sent.
   * @default 0
   */
  order?: number;
  /** Called first, synchronously. If it returns `false`, the interceptor is skipped. If it throws, the call fails. */
  when?: (call: C) => boolean;
}

/** The owner of an instance of a request-scoped provider: a request, or a tree of runs outside of a request. */
export interface InstanceOwner {
  readonly request?: object | undefined;
  /** The root of the tree. */
  readonly root: object;
}

/** Finds the instances of one provider that is request-scoped, durable, or depends on something that is. */
export interface InstanceSource {
  /** The owner's instance, the same each time: synchronously if it exists, otherwise as a promise. */
  of(owner: InstanceOwner): object | Promise<object>;
}

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
