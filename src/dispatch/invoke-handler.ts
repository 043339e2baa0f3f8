import { CallbackAbort } from '../errors/callbacks-error.js';
import { CallbackEndEvent, CallbackErrorEvent } from '../events/callback.events.js';
import type { HandlerContext } from '../events/handler-options.js';
import { type CallbackEvent, EVENTS } from '../events/event-map.js';
import type { RunInfo } from '../events/event.js';
import type { HandlerTable } from '../handlers/handler-scope.js';
import {
  callHandler,
  callWithTimeout,
  type Handler,
  type HandlerFunction,
  type InstanceOwner,
} from '../handlers/handler.js';
import { Log, logReason } from '../util/log.js';
import { isThenable } from '../util/promises.js';
import type { Background } from './background/background.js';

/** The part of a run that dispatch needs. */
export interface DispatchTarget extends RunInfo, InstanceOwner {
  readonly handlers: HandlerTable;
  /**
   * The methods of the plain chunk handlers that precede all other handlers, looked up once: a spy set before the run
   * is called.
   */
  readonly chunkMethods: readonly HandlerFunction[];
  /** Fires when the run is aborted; created on first use. */
  readonly signal: AbortSignal;
  readonly aborted: boolean;
  /** The reason of the abort. */
  readonly reason: unknown;
  /** Settles like `work`, or rejects with the reason if the run is aborted first. */
  orAborted<T>(work: PromiseLike<T>): Promise<T>;
  /** The context that its handlers receive with the event. */
  readonly handlerContext: HandlerContext;
  /** Whether the run's terminal event was dispatched. */
  readonly ended: boolean;
  /** Whether its caller has continued: from then on, errors of critical handlers are emitted as `callback.error`. */
  readonly released: boolean;
  /**
   * Calls a handler in a frame that links the runs it starts to the handler.
   *
   * @param isBound whether in the contexts that the run is bound to
   */
  insideHandler<R>(handler: Handler, call: () => R, isBound?: boolean): R;
}

/** An event that is being dispatched. */
export interface Dispatch {
  readonly event: CallbackEvent;
  readonly run: DispatchTarget;
  readonly handlers: readonly Handler[];
  /** Whether its handlers are measured, for `callback.end`. */
  readonly isTimed: boolean;
  /** The first error that must fail the run. */
  refused?: { readonly error: unknown };
}

/** Calls one handler at a time and isolates its failures from the other handlers. */
export class HandlerCalls {
  readonly #logger = new Log('Callbacks');

  constructor(
    private readonly background: Background,
    private readonly dispatch: (event: CallbackEvent, run: DispatchTarget) => void | Promise<void>,
  ) {}

  /** Returns a promise, which never rejects, only if there is something to wait for. */
  invoke(dispatch: Dispatch, handler: Handler): Promise<void> | undefined {
    const { event, run, refused } = dispatch;
    if (!handler.active || (handler.critical && refused !== undefined)) return undefined;
    try {
      if (handler.when !== undefined && !handler.when(event as never)) return undefined;
    } catch (error) {
      return this.report(handler, event, run, error);
    }
    if (handler.background) return this.#dispatchLater(dispatch, handler);
    try {
      const returned = dispatch.isTimed
        ? this.#callMeasured(handler, event, run)
        : this.#call(handler, event, run);
      return this.#settle(dispatch, handler, returned);
    } catch (error) {
      return this.failed(dispatch, handler, error);
    }
  }

  // Separate, because a function with a closure allocates each time that it is called.
  #callMeasured(handler: Handler, event: CallbackEvent, run: DispatchTarget): unknown {
    return this.#measured(handler, event, run, () => this.#call(handler, event, run));
  }

  /** Calls a handler, and emits `callback.end` after it. */
  #measured(
    { name }: Handler,
    event: CallbackEvent,
    run: DispatchTarget,
    call: () => unknown,
  ): unknown {
    const startedAt = performance.now();
    const end = (failed: boolean): void | Promise<void> => {
      const durationMs = performance.now() - startedAt;
      const ended = { handler: name, eventType: event.type, durationMs, failed };
      return this.dispatch(new CallbackEndEvent(run, ended), run);
    };
    let returned: unknown;
    try {
      returned = call();
    } catch (error) {
      const ending = end(true);
      if (ending === undefined) throw error;
      return ending.then(() => {
        throw error;
      });
    }
    if (isThenable(returned)) {
      return returned.then(
        () => end(false),
        async (error: unknown) => {
          await end(true);
          throw error;
        },
      );
    }
    return end(false);
  }

  #dispatchLater({ event, run, isTimed }: Dispatch, handler: Handler): Promise<void> | undefined {
    const failed = (error: unknown, isLogged = false) =>
      isLogged
        ? this.#reportFailure(handler, event, run, error)
        : this.report(handler, event, run, error);
    const around = isTimed
      ? (call: () => unknown) => this.#measured(handler, event, run, call)
      : undefined;
    const taken = this.background.take({ handler, event, run, failed, around });
    if (taken === undefined || EVENTS[event.type].phase !== 'start') return taken;
    return run.orAborted(taken).catch(nothing);
  }

  #call(handler: Handler, event: CallbackEvent, run: DispatchTarget): unknown {
    if (handler.contextFree) return callInTime(handler, event, run);
    const call = () => callInTime(handler, event, run);
    return run.insideHandler(handler, call, !('unbound' in EVENTS[event.type]));
  }

  #settle(dispatch: Dispatch, handler: Handler, returned: unknown): Promise<void> | undefined {
    if (!isThenable(returned)) return undefined;
    const { event, run } = dispatch;
    // An aborted run does not wait for its start handlers.
    const settled = EVENTS[event.type].phase === 'start' ? run.orAborted(returned) : returned;
    return Promise.resolve(settled).then(nothing, (error: unknown) =>
      this.rejected(dispatch, handler, error),
    );
  }

  /** Handles a handler's rejection. If the handler was stopped with its run, that is not a failure. */
  rejected(dispatch: Dispatch, handler: Handler, error: unknown): Promise<void> | undefined {
    const { aborted, reason } = dispatch.run;
    return aborted && error === reason ? undefined : this.failed(dispatch, handler, error);
  }

  failed(dispatch: Dispatch, handler: Handler, error: unknown): Promise<void> | undefined {
    const { event, run } = dispatch;
    const { phase } = EVENTS[event.type];
    const isRefusal = !run.released && (handler.critical || error instanceof CallbackAbort);
    if (!isRefusal || phase === 'error' || phase === 'note' || dispatch.refused !== undefined) {
      return this.report(handler, event, run, error);
    }
    dispatch.refused = { error };
    return undefined;
  }

  /**
   * Logs a handler's failure and dispatches `callback.error`. Returns a promise only if there is something to wait for.
   */
  report(
    handler: Pick<Handler, 'name'>,
    event: CallbackEvent,
    run: DispatchTarget,
    error: unknown,
  ): Promise<void> | undefined {
    this.#logger.error(`${handler.name} failed on ${event.type}: ${logReason(error)}`, error);
    return this.#reportFailure(handler, event, run, error);
  }

  #reportFailure(
    { name }: Pick<Handler, 'name'>,
    event: CallbackEvent,
    run: DispatchTarget,
    error: unknown,
  ): Promise<void> | undefined {
    if (event.type === 'callback.error') return undefined;
    const failure = new CallbackErrorEvent(run, { handler: name, event, error });
    return this.dispatch(failure, run) ?? undefined;
  }
}

function callInTime(handler: Handler, event: CallbackEvent, run: DispatchTarget): unknown {
  return handler.timeoutMs === undefined
    ? callHandler(handler, event, run.handlerContext, run)
    : callWithTimeout(handler, handler.timeoutMs, event, run, run.signal);
}

function nothing(): void {}
