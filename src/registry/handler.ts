import type { EventSelector, HandlerContext, RunEvent } from '../events/index.js';

/** A hook of an object: one method that hears one kind of event, with its options checked and filled in. */
export interface Hook {
  /** `Class.method`, for logs and errors. */
  readonly name: string;
  readonly selector: EventSelector;
  readonly target: object;
  readonly order: number;
  readonly critical: boolean;
  readonly timeoutMs: number | undefined;
  readonly scopes: readonly string[] | undefined;
  readonly when: ((event: RunEvent) => unknown) | undefined;
  readonly call: (event: RunEvent, context: HandlerContext) => unknown;
}

/** A hook's entry in the registry. */
export interface Handler extends Hook {
  readonly hook: Hook;
  /** `false` once it was removed: runs that are under way stop calling it at once. */
  active: boolean;
}

export function toHandler(hook: Hook): Handler {
  return { ...hook, hook, active: true };
}
