/** The second argument of a handler. */
export interface HandlerContext {
  /**
   * Fires when the handler's `timeoutMs` is over, and when the run is aborted. In the background it does not fire with
   * the run, because the event has already happened: it fires when shutdown stops waiting, or the job queue gives up
   * the job.
   */
  readonly signal: AbortSignal;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const HandlerContext: object = Object;

/** Options of a handler. `E` is the event that it receives. */
export interface HandlerOptions<E> {
  /**
   * Handle only runs of these named clients and everything nested under them.
   * @default the class's `@CallbackScope()`, else every run
   */
  scope?: string | string[];
  /**
   * Handlers of one event are called in ascending order.
   * @default 0
   */
  order?: number;
  /**
   * Whether an error of this handler fails the run and reaches the caller.
   * @default false
   */
  critical?: boolean;
  /**
   * Whether the run does not wait for the handler. `true`: it runs in the background, in its own context and with
   * bounded concurrency; shutdown waits for it. `'durable'`: the event's JSON is added to the job queue of
   * `forRoot({ background: { queue } })`, whose worker calls the handler, possibly in another process, with an event
   * revived from it, and retries until it succeeds. Delivery is at least once: make the handler idempotent, by
   * `event.eventId`. `when` is called first.
   * @default false
   */
  background?: boolean | 'durable';
  /**
   * The name of a durable handler in the job queue; it must stay the same across versions of the application.
   * @default `Class.method`; required for a class whose name a minifier may change, or that has no name
   */
  name?: string;
  /**
   * Milliseconds after which the handler is reported as `CallbackTimeoutError` and no longer waited for.
   * @default no limit
   */
  timeoutMs?: number;
  /**
   * Declares that the handler starts no runs and does not read `callbacks.current`, so that it is called without an
   * async context of its own, which is most of a handler's cost. Runs that it starts anyway become part of the
   * surrounding run, and reach this handler too. Handlers of `llm.chunk` never have such a context; background
   * handlers always do.
   * @default false
   */
  contextFree?: boolean;
  /** Called first, synchronously: the handler is called only if it returns `true`. */
  when?: (event: E) => boolean;
}
