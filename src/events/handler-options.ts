/** What a handler gets besides the event. */
export interface HandlerContext {
  /**
   * Fires when the handler's `timeoutMs` is over, and when the run is aborted. In the background, where a handler is
   * about what has happened, not with the run: but when shutdown waits no longer, or the job queue gives the job up.
   */
  readonly signal: AbortSignal;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const HandlerContext: object = Object;

/** How a handler is called. `E` is the event that it hears. */
export interface HandlerOptions<E> {
  /**
   * Hear only runs of these named clients and everything nested under them.
   * @default the class's `@CallbackScope()`, else every run
   */
  scope?: string | string[];
  /**
   * Handlers of one event are called in ascending order.
   * @default 0
   */
  order?: number;
  /**
   * Let an error of this handler end the run and reach the caller.
   * @default false
   */
  critical?: boolean;
  /**
   * Do not wait for it: it runs in the background, in a context of its own, a bounded number at once; shutdown waits for
   * it. `'durable'` hands the event's JSON to the job queue of `forRoot({ background: { queue } })`, whose worker calls
   * the handler, maybe in another process, with an event that is revived from it, and again until it succeeds. At least
   * once: let it be idempotent, by `event.eventId`. `when` is asked before.
   * @default false
   */
  background?: boolean | 'durable';
  /**
   * Names a durable handler in the job queue; it must stay the same from one version of the application to the next.
   * @default `Class.method`; a class whose name a minifier may change, or that has none, needs a `name`
   */
  name?: string;
  /**
   * Milliseconds after which the handler is reported as `CallbackTimeoutError` and no longer waited for.
   * @default no limit
   */
  timeoutMs?: number;
  /** Asked first, synchronously: the handler is called only for events for which it answers `true`. */
  when?: (event: E) => boolean;
}
