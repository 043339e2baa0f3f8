import type { EventSelector } from '../events/event-map.js';

/** The kinds of runs that can be intercepted. */
export const INTERCEPTED_KINDS = ['llm', 'tool', 'agent'] as const;
export type InterceptedKind = (typeof INTERCEPTED_KINDS)[number];

/** What an interceptor is registered for. */
export type InterceptorSelector = `intercept.${InterceptedKind}`;

/** What a decorated method is registered for: an event, or a kind of run to intercept. */
export type HookSelector = EventSelector | InterceptorSelector;

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
