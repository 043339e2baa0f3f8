import { Injectable } from '@nestjs/common';
import { LlmStreamChunkEvent } from '../events/llm.events.js';
import { type CallbackEvent, EVENTS } from '../events/event-map.js';
import type { LlmChunk } from '../types/llm.js';
import { Background } from './background/background.js';
import { type Dispatch, type DispatchTarget, HandlerCalls } from './invoke-handler.js';
import { isThenable } from '../util/promises.js';

/** The unfinished part of a dispatch that the caller does not await. */
export interface PendingDispatch {
  /** Settles when all handlers are done; rejects with the first error of a critical one. */
  readonly settled: Promise<void>;
  /** The error that a critical handler has already thrown. */
  readonly refused: { readonly error: unknown } | undefined;
}

/** Calls handlers in order, awaits only those that return promises, and isolates their failures from each other. */
@Injectable()
export class Dispatcher {
  readonly #handlers: HandlerCalls;

  constructor(background: Background) {
    this.#handlers = new HandlerCalls(background, (event, run) => this.dispatch(event, run));
  }

  /**
   * Dispatches an event to its handlers. Returns `undefined` if all of them were synchronous.
   *
   * @throws the first error of a critical handler, or `CallbackAbort`, if the event's phase lets it end the run; all
   * other handlers have been called by then.
   */
  dispatch(event: CallbackEvent, run: DispatchTarget): void | Promise<void> {
    return this.#goOn(newDispatch(event, run), 0);
  }

  /** {@link dispatch} for a caller that cannot wait: returns synchronously what is already known. */
  dispatchNow(event: CallbackEvent, run: DispatchTarget): PendingDispatch | undefined {
    const dispatch = newDispatch(event, run);
    const settled = this.#goOn(dispatch, 0);
    return settled === undefined ? undefined : { settled: settled, refused: dispatch.refused };
  }

  /**
   * The hot path, {@link dispatch} for a chunk: its event is created only if it has handlers. Plain handlers are called
   * without a frame, because handlers of chunks must not start runs.
   */
  dispatchChunk(
    chunk: LlmChunk,
    index: number,
    timestamp: number,
    run: DispatchTarget,
  ): void | Promise<void> {
    const handlers = run.handlers['llm.chunk'];
    if (handlers.length === 0) return undefined;
    const { chunkMethods, handlerContext } = run;
    const event = new LlmStreamChunkEvent(run, chunk, index, timestamp);
    for (let i = 0; i < chunkMethods.length; i++) {
      const handler = handlers[i]!;
      if (!handler.active) continue;
      try {
        const returned: unknown = chunkMethods[i]!.call(handler.target, event, handlerContext);
        if (isThenable(returned)) return this.#awaitFrom(i, event, run, returned);
      } catch (error) {
        return this.#threw(i, event, run, error);
      }
    }
    if (chunkMethods.length === handlers.length) return undefined;
    return this.#goOn(chunkDispatch(event, run), chunkMethods.length);
  }

  // Separate from the loop above, which engines inline only while it is small.

  #threw(index: number, event: LlmStreamChunkEvent, run: DispatchTarget, error: unknown) {
    const dispatch = chunkDispatch(event, run);
    const failed = this.#handlers.failed(dispatch, dispatch.handlers[index]!, error);
    return this.#goOn(dispatch, index + 1, failed);
  }

  /** Awaits a handler of a chunk, then calls the next ones. For the last handler, returns its own promise. */
  #awaitFrom(
    index: number,
    event: LlmStreamChunkEvent,
    run: DispatchTarget,
    returned: PromiseLike<unknown>,
  ): Promise<void> {
    const dispatch = chunkDispatch(event, run);
    const goOn = () => this.#awaitEach(dispatch, index, returned);
    const isLast = index + 1 === dispatch.handlers.length && returned instanceof Promise;
    return isLast ? (returned as Promise<void>).then(undefined, goOn) : goOn();
  }

  /** Continues with a chunk after its first asynchronous handler, without additional promises. */
  async #awaitEach(dispatch: Dispatch, from: number, first: unknown): Promise<void> {
    const { event, run, handlers } = dispatch;
    const { chunkMethods, handlerContext } = run;
    for (let i = from; i < chunkMethods.length; i++) {
      const handler = handlers[i]!;
      if (!handler.active) continue;
      try {
        const returned: unknown =
          i === from ? first : chunkMethods[i]!.call(handler.target, event, handlerContext);
        if (isThenable(returned)) await returned;
      } catch (error) {
        await this.#handlers.rejected(dispatch, handler, error);
      }
      // No event is dispatched after the terminal event.
      if (run.ended) return;
    }
    return this.#goOn(dispatch, chunkMethods.length);
  }

  /** Calls the handlers from index `next` on, after `waiting` settles. */
  #goOn(dispatch: Dispatch, next: number, waiting?: Promise<void>): void | Promise<void> {
    if (waiting !== undefined) return this.#goOnLater(dispatch, next, waiting);
    for (let i = next; i < dispatch.handlers.length; i++) {
      const settled = this.#handlers.invoke(dispatch, dispatch.handlers[i]!);
      if (settled !== undefined) return this.#goOnLater(dispatch, i + 1, settled);
    }
    if (dispatch.refused !== undefined) throw dispatch.refused.error;
    return undefined;
  }

  async #goOnLater(dispatch: Dispatch, next: number, waiting: Promise<void>): Promise<void> {
    const { run, handlers } = dispatch;
    const isTerminal = run.ended;
    await waiting;
    for (let i = next; i < handlers.length; i++) {
      // The run ended while a handler delayed this event: no event is dispatched after the terminal event.
      if (run.ended && !isTerminal) return;
      await this.#handlers.invoke(dispatch, handlers[i]!);
    }
    if (dispatch.refused !== undefined) throw dispatch.refused.error;
  }

  /**
   * Logs a handler's failure and dispatches `callback.error`. Returns a promise only if there is something to wait for.
   */
  report(...failure: Parameters<HandlerCalls['report']>): Promise<void> | undefined {
    return this.#handlers.report(...failure);
  }
}

/** Handlers are measured only in runs with a handler of `callback.end`: one look at the run's table for each event. */
function newDispatch(event: CallbackEvent, run: DispatchTarget): Dispatch {
  const { handlers } = run;
  const isTimed = handlers['callback.end'].length > 0 && EVENTS[event.type].kind !== 'callback';
  return { event, run, handlers: handlers[event.type], isTimed };
}

/** Handlers of chunks are never measured. */
function chunkDispatch(event: LlmStreamChunkEvent, run: DispatchTarget): Dispatch {
  return { event, run, handlers: run.handlers['llm.chunk'], isTimed: false };
}
