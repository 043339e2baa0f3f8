import type { HandlerOptions } from '../events/handler-options.js';

const STARTS_NO_RUNS: unique symbol = Symbol.for('nestjs-llm-callbacks:starts-no-runs');

/**
 * Options for handlers of ours that only count. They need no place of their own in the flow, where runs that they start
 * would know whom they come from; to enter one is most of what a handler costs.
 */
export const CONTEXT_FREE: Omit<HandlerOptions<never>, 'when'> = {
  [STARTS_NO_RUNS]: true,
} as object;

/** Whether a handler has {@link CONTEXT_FREE} among its options. */
export function isContextFree(options: object): boolean {
  return STARTS_NO_RUNS in options;
}
