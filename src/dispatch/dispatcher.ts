import { Injectable, Logger } from '@nestjs/common';
import { CallbackAbort } from '../errors/index.js';
import {
  CallbackErrorEvent,
  EVENTS,
  type CallbackEvent,
  type HandlerContext,
  type RunInfo,
} from '../events/index.js';
import { callHandler, type Handler, type HandlerTable } from '../registry/index.js';
import { oneLine } from '../text.js';
import { abortable, isThenable } from './promises.js';
import { callWithTimeout } from './timeout.js';

/** What dispatch needs of a run. */
export interface Audience extends RunInfo {
  readonly handlers: HandlerTable;
  /** Fires when the run is aborted. */
  readonly signal: AbortSignal;
  /** What its handlers get besides the event. */
  readonly handlerContext: HandlerContext;
  /** Whether the run's terminal event was told. */
  readonly ended: boolean;
  /** Calls a handler where the runs that it starts know whom they come from. */
  insideHandler<R>(handler: Handler, call: () => R): R;
}

/** The first error of an event that its run must end with. */
interface Refusal {
  error?: { readonly thrown: unknown };
}

/** Calls handlers: in order, each awaited only if it returns a promise, none able to disturb the others. */
@Injectable()
export class Dispatcher {
  readonly #logger = new Logger('Callbacks');

  /**
   * Tells an event to its handlers. Returns nothing when all of them were synchronous.
   *
   * @throws the first error of a critical handler, or `CallbackAbort`, where the event's phase lets it end the run; the
   * other handlers have heard the event by then.
   */
  tell(event: CallbackEvent, run: Audience): void | Promise<void> {
    const handlers = run.handlers[event.type];
    const context = run.handlerContext;
    // Chunk handlers must not start runs, so they are spared the price of a frame of their own.
    const needsFrame = event.type !== 'llm.chunk';
    let refusal: Refusal | undefined;
    for (let i = 0; i < handlers.length; i++) {
      const handler = handlers[i]!;
      let waiting: Promise<void> | undefined;
      if (needsFrame || !handler.isPlain) {
        refusal ??= {};
        waiting = this.#tellOne(handler, event, run, refusal);
      } else if (handler.active) {
        // The hot path: the same as below, without what a plain handler has no need of.
        try {
          const returned = callHandler(handler, event, context);
          if (returned === undefined) continue;
          waiting = this.#settle(returned, handler, event, run, (refusal ??= {}));
        } catch (error) {
          waiting = this.#failed(handler, event, run, (refusal ??= {}), error);
        }
      }
      if (waiting !== undefined)
        return this.#tellRest(handlers, i + 1, waiting, event, run, (refusal ??= {}));
    }
    if (refusal?.error !== undefined) throw refusal.error.thrown;
    return undefined;
  }

  async #tellRest(
    handlers: readonly Handler[],
    next: number,
    first: Promise<void>,
    event: CallbackEvent,
    run: Audience,
    refusal: Refusal,
  ): Promise<void> {
    const isTerminal = run.ended;
    await first;
    for (let i = next; i < handlers.length; i++) {
      // The run was ended while a handler kept this event waiting: nothing is told after the terminal event.
      if (run.ended && !isTerminal) return;
      const waiting = this.#tellOne(handlers[i]!, event, run, refusal);
      if (waiting !== undefined) await waiting;
    }
    if (refusal.error !== undefined) throw refusal.error.thrown;
  }

  /** Returns a promise, which never rejects, only while there is something to wait for. */
  #tellOne(
    handler: Handler,
    event: CallbackEvent,
    run: Audience,
    refusal: Refusal,
  ): Promise<void> | undefined {
    if (!handler.active || (handler.critical && refusal.error !== undefined)) return undefined;
    try {
      if (handler.when !== undefined && !handler.when(event)) return undefined;
    } catch (error) {
      return this.#report(handler, event, run, error);
    }
    try {
      return this.#settle(this.#call(handler, event, run), handler, event, run, refusal);
    } catch (error) {
      return this.#failed(handler, event, run, refusal, error);
    }
  }

  #settle(
    returned: unknown,
    handler: Handler,
    event: CallbackEvent,
    run: Audience,
    refusal: Refusal,
  ): Promise<void> | undefined {
    if (!isThenable(returned)) return undefined;
    // An aborted run does not wait for those who were told that it starts.
    const settled =
      EVENTS[event.type].phase === 'start' ? abortable(returned, run.signal) : returned;
    return Promise.resolve(settled).then(nothing, (error: unknown) =>
      run.signal.aborted && error === run.signal.reason
        ? undefined
        : this.#failed(handler, event, run, refusal, error),
    );
  }

  #call(handler: Handler, event: CallbackEvent, run: Audience): unknown {
    if (handler.timeoutMs !== undefined) {
      return run.insideHandler(handler, () =>
        callWithTimeout(handler, handler.timeoutMs!, event, run.signal),
      );
    }
    if (event.type === 'llm.chunk') return callHandler(handler, event, run.handlerContext);
    return run.insideHandler(handler, () => callHandler(handler, event, run.handlerContext));
  }

  #failed(
    handler: Handler,
    event: CallbackEvent,
    run: Audience,
    refusal: Refusal,
    error: unknown,
  ): Promise<void> | undefined {
    const { phase } = EVENTS[event.type];
    const canRefuse = phase !== 'error' && phase !== 'note';
    if (
      canRefuse &&
      (handler.critical || error instanceof CallbackAbort) &&
      refusal.error === undefined
    ) {
      refusal.error = { thrown: error };
      return undefined;
    }
    return this.#report(handler, event, run, error);
  }

  #report(
    handler: Handler,
    event: CallbackEvent,
    run: Audience,
    error: unknown,
  ): Promise<void> | undefined {
    const reason = error instanceof Error ? error.message : String(error);
    this.#logger.error(
      `${handler.name} failed on ${event.type}: ${oneLine(reason)}`,
      error instanceof Error ? error.stack : '',
    );
    if (event.type === 'callback.error') return undefined;
    return (
      this.tell(new CallbackErrorEvent(run, { handler: handler.name, event, error }), run) ??
      undefined
    );
  }
}

function nothing(): void {}
