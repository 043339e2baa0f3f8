import type { HookSelector } from '../decorators/index.js';
import type { HandlerContext, RunEvent } from '../events/index.js';

/**
 * A hook of an object: one method that hears one kind of event, or intercepts one kind of run, with its options checked
 * and filled in.
 */
export interface Hook {
  /** `Class.method`, for logs and errors. */
  readonly name: string;
  readonly selector: HookSelector;
  /** The object whose method it is. */
  readonly target: object;
  readonly method: string;
  readonly order: number;
  readonly critical: boolean;
  readonly timeoutMs: number | undefined;
  readonly background: boolean | 'durable';
  /** What the job queue knows a durable handler by. */
  readonly jobName: string | undefined;
  readonly scopes: readonly string[] | undefined;
  /** Asked with the event, or with the call of an interceptor. */
  readonly when: ((told: never) => unknown) | undefined;
}

/** A hook's entry in the registry. */
export interface Handler extends Hook {
  readonly hook: Hook;
  /** Whether it is called as it is, at once, without a filter, a flag or a timeout. */
  readonly isPlain: boolean;
  /** `false` once it was removed: runs that are under way stop calling it at once. */
  active: boolean;
}

export function toHandler(hook: Hook): Handler {
  const isPlain =
    hook.when === undefined && hook.timeoutMs === undefined && !hook.critical && !hook.background;
  return { ...hook, hook, isPlain, active: true };
}

/** What handlers are: methods, or functions that were given a name. */
export type HandlerFunction = (event: RunEvent, context: HandlerContext) => unknown;

/** The method as it is now: a spy may have taken its place. */
export function methodOf({ target, method }: Handler): HandlerFunction {
  return (target as Record<string, HandlerFunction>)[method]!;
}

export function callHandler(handler: Handler, event: RunEvent, context: HandlerContext): unknown {
  return methodOf(handler).call(handler.target, event, context);
}
