import { Injectable, Logger } from '@nestjs/common';
import { CallbackAbort } from '../errors/index.js';
import {
  CallbackErrorEvent,
  EVENTS,
  type CallbackEvent,
  type HandlerContext,
  type RunInfo,
} from '../events/index.js';
import {
  callHandler,
  type Handler,
  type HandlerFunction,
  type HandlerTable,
  type InstanceOwner,
} from '../registry/index.js';
import { messageOf, oneLine } from '../text.js';
import { Background } from './background.js';
import { abortable, isThenable } from './promises.js';
import { callWithTimeout } from './timeout.js';

/** What dispatch needs of a run. */
export interface Audience extends RunInfo, InstanceOwner {
  readonly handlers: HandlerTable;
  /** The methods of the handlers of chunks, looked up once: a spy that is set before the run is called. */
  readonly chunkMethods: readonly HandlerFunction[];
  /** Fires when the run is aborted. */
  readonly signal: AbortSignal;
  /** What its handlers get besides the event. */
  readonly handlerContext: HandlerContext;
  /** Whether the run's terminal event was told. */
  readonly ended: boolean;
  /** Whether its caller has gone on: what critical handlers throw is told as `callback.error` from then on. */
  readonly released: boolean;
  /** Calls a handler where the runs that it starts know whom they come from. */
  insideHandler<R>(handler: Handler, call: () => R): R;
}

/** An event that is being told. */
interface Telling {
  readonly event: CallbackEvent;
  readonly run: Audience;
  readonly handlers: readonly Handler[];
  /** The first error that the run must end with. */
  refused?: { readonly error: unknown };
}

/** What is left of a telling that nobody waits for. */
export interface LateTelling {
  /** Settles when all handlers were told; rejects with the first error of a critical one. */
  readonly told: Promise<void>;
  /** What a critical handler has thrown already. */
  readonly refused: { readonly error: unknown } | undefined;
}

/** Calls handlers: in order, each awaited only if it returns a promise, none able to disturb the others. */
@Injectable()
export class Dispatcher {
  readonly #logger = new Logger('Callbacks');

  constructor(private readonly background: Background) {}

  /**
   * Tells an event to its handlers. Returns nothing when all of them were synchronous.
   *
   * @throws the first error of a critical handler, or `CallbackAbort`, where the event's phase lets it end the run; the
   * other handlers have heard the event by then.
   */
  tell(event: CallbackEvent, run: Audience): void | Promise<void> {
    const handlers = run.handlers[event.type];
    if (event.type === 'llm.chunk') return this.#tellChunk(event, run, handlers);
    return this.#goOn({ event, run, handlers }, 0);
  }

  /** {@link tell} for a caller that cannot wait: it learns at once what is known at once. */
  tellNow(event: CallbackEvent, run: Audience): LateTelling | undefined {
    const telling: Telling = { event, run, handlers: run.handlers[event.type] };
    const told = this.#goOn(telling, 0);
    return told === undefined ? undefined : { told, refused: telling.refused };
  }

  /** The hot path: plain handlers that return nothing. From the first that is otherwise, the rest is told as usual. */
  #tellChunk(
    event: CallbackEvent,
    run: Audience,
    handlers: readonly Handler[],
  ): void | Promise<void> {
    const { chunkMethods, handlerContext } = run;
    for (let i = 0; i < handlers.length; i++) {
      const handler = handlers[i]!;
      if (!handler.isPlain) return this.#goOn({ event, run, handlers }, i);
      if (!handler.active) continue;
      let returned: unknown;
      try {
        // Without a frame: handlers of chunks must not start runs.
        returned = chunkMethods[i]!.call(handler.target, event, handlerContext);
      } catch (error) {
        const telling: Telling = { event, run, handlers };
        return this.#goOn(telling, i + 1, this.#failed(telling, handler, error));
      }
      if (returned !== undefined) {
        const telling: Telling = { event, run, handlers };
        return this.#goOn(telling, i + 1, this.#settle(telling, handler, returned));
      }
    }
    return undefined;
  }

  /** Tells the handlers from the one numbered `next` on, when what is waited for is over. */
  #goOn(telling: Telling, next: number, waiting?: Promise<void>): void | Promise<void> {
    if (waiting !== undefined) return this.#goOnLater(telling, next, waiting);
    for (let i = next; i < telling.handlers.length; i++) {
      const told = this.#tellOne(telling, telling.handlers[i]!);
      if (told !== undefined) return this.#goOnLater(telling, i + 1, told);
    }
    if (telling.refused !== undefined) throw telling.refused.error;
    return undefined;
  }

  async #goOnLater(telling: Telling, next: number, waiting: Promise<void>): Promise<void> {
    const { run, handlers } = telling;
    const isTerminal = run.ended;
    await waiting;
    for (let i = next; i < handlers.length; i++) {
      // The run was ended while a handler kept this event waiting: nothing is told after the terminal event.
      if (run.ended && !isTerminal) return;
      await this.#tellOne(telling, handlers[i]!);
    }
    if (telling.refused !== undefined) throw telling.refused.error;
  }

  /** Returns a promise, which never rejects, only while there is something to wait for. */
  #tellOne(telling: Telling, handler: Handler): Promise<void> | undefined {
    const { event, run, refused } = telling;
    if (!handler.active || (handler.critical && refused !== undefined)) return undefined;
    try {
      if (handler.when !== undefined && !handler.when(event as never)) return undefined;
    } catch (error) {
      return this.report(handler, event, run, error);
    }
    if (handler.background) return this.#tellLater(telling, handler);
    try {
      return this.#settle(telling, handler, this.#call(handler, event, run));
    } catch (error) {
      return this.#failed(telling, handler, error);
    }
  }

  #tellLater({ event, run }: Telling, handler: Handler): Promise<void> | undefined {
    const failed = (error: unknown, isLogged = false) =>
      isLogged
        ? this.#tellFailure(handler, event, run, error)
        : this.report(handler, event, run, error);
    const taken = this.background.take({ handler, event, run, failed });
    if (taken === undefined || EVENTS[event.type].phase !== 'start') return taken;
    return abortable(taken, run.signal).catch(nothing);
  }

  #call(handler: Handler, event: CallbackEvent, run: Audience): unknown {
    const { timeoutMs } = handler;
    if (timeoutMs === undefined)
      return run.insideHandler(handler, () => callHandler(handler, event, run.handlerContext, run));
    return run.insideHandler(handler, () =>
      callWithTimeout(handler, timeoutMs, event, run, run.signal),
    );
  }

  #settle(telling: Telling, handler: Handler, returned: unknown): Promise<void> | undefined {
    if (!isThenable(returned)) return undefined;
    const { event, run } = telling;
    // An aborted run does not wait for those who were told that it starts.
    const settled =
      EVENTS[event.type].phase === 'start' ? abortable(returned, run.signal) : returned;
    return Promise.resolve(settled).then(nothing, (error: unknown) =>
      run.signal.aborted && error === run.signal.reason
        ? undefined
        : this.#failed(telling, handler, error),
    );
  }

  #failed(telling: Telling, handler: Handler, error: unknown): Promise<void> | undefined {
    const { event, run } = telling;
    const { phase } = EVENTS[event.type];
    const isRefusal = !run.released && (handler.critical || error instanceof CallbackAbort);
    if (!isRefusal || phase === 'error' || phase === 'note' || telling.refused !== undefined) {
      return this.report(handler, event, run, error);
    }
    telling.refused = { error };
    return undefined;
  }

  /** Logs, and tells, that a handler has failed. Returns a promise only while there is something to wait for. */
  report(
    handler: Pick<Handler, 'name'>,
    event: CallbackEvent,
    run: Audience,
    error: unknown,
  ): Promise<void> | undefined {
    this.#logger.error(
      `${handler.name} failed on ${event.type}: ${oneLine(messageOf(error))}`,
      error instanceof Error ? error.stack : '',
    );
    return this.#tellFailure(handler, event, run, error);
  }

  #tellFailure(
    { name }: Pick<Handler, 'name'>,
    event: CallbackEvent,
    run: Audience,
    error: unknown,
  ): Promise<void> | undefined {
    if (event.type === 'callback.error') return undefined;
    const failure = new CallbackErrorEvent(run, { handler: name, event, error });
    return this.tell(failure, run) ?? undefined;
  }
}

function nothing(): void {}
