import type { HandlerOptions } from '../events/handler-options.js';

const STARTS_NO_RUNS: unique symbol = Symbol.for('nestjs-llm-callbacks:starts-no-runs');

/**
 * Options for built-in handlers that only count. They start no runs, so they need no async context of their own;
 * entering one is most of a handler's cost.
 */
export const CONTEXT_FREE: Omit<HandlerOptions<never>, 'when'> = {
  [STARTS_NO_RUNS]: true,
} as object;

/** Whether a handler has {@link CONTEXT_FREE} among its options. */
export function isContextFree(options: object): boolean {
  return STARTS_NO_RUNS in options;
}
