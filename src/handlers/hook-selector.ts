import type { EventSelector } from '../events/event-map.js';

/** The kinds of runs whose work can be intercepted. */
export const INTERCEPTED_KINDS = ['llm', 'tool', 'agent'] as const;
export type InterceptedKind = (typeof INTERCEPTED_KINDS)[number];

/** What an interceptor is registered for. */
export type InterceptorSelector = `intercept.${InterceptedKind}`;

/** What a decorated method is registered for: an event, or the work of a kind of run. */
export type HookSelector = EventSelector | InterceptorSelector;

/** How an interceptor is called. `C` is the call that it gets. */
export interface InterceptorOptions<C> {
  /**
   * Intercept only runs of these named clients and everything nested under them.
   * @default the class's `@CallbackScope()`, else every run
   */
  scope?: string | string[];
  /**
   * The lowest is outermost; `Infinity` is next to the work itself, and sees each request that is really made.
   * @default 0
   */
  order?: number;
  /** Asked first, synchronously: where it answers `false`, the interceptor is passed by. An error fails the call. */
  when?: (call: C) => boolean;
}
