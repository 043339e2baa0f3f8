/** What a handler gets besides the event. */
export interface HandlerContext {
  /** Fires when the handler's `timeoutMs` is over, and when the run is aborted. */
  readonly signal: AbortSignal;
}

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
   * the handler, maybe in another process, at least once.
   * @default false
   */
  background?: boolean | 'durable';
  /** Names a durable handler in the job queue; it must stay the same from one version of the application to the next. */
  name?: string;
  /**
   * Milliseconds after which the handler is reported as `CallbackTimeoutError` and no longer waited for.
   * @default no limit
   */
  timeoutMs?: number;
  /** Asked first, synchronously: the handler is called only for events for which it answers `true`. */
  when?: (event: E) => boolean;
}
