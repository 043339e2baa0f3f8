import { Injectable } from '@nestjs/common';
import { LlmStreamChunkEvent } from '../events/llm.events.js';
import type { CallbackEvent } from '../events/event-map.js';
import type { LlmChunk } from '../types/llm.js';
import { Background } from './background/background.js';
import { HandlerCalls, type DispatchTarget, type Dispatch } from './handler-calls.js';
import { isThenable } from './promises.js';

/** What is left of a telling that nobody waits for. */
export interface PendingDispatch {
  /** Settles when all handlers were told; rejects with the first error of a critical one. */
  readonly settled: Promise<void>;
  /** What a critical handler has thrown already. */
  readonly refused: { readonly error: unknown } | undefined;
}

/** Calls handlers: in order, each awaited only if it returns a promise, none able to disturb the others. */
@Injectable()
export class Dispatcher {
  readonly #handlers: HandlerCalls;

  constructor(background: Background) {
    this.#handlers = new HandlerCalls(background, (event, run) => this.dispatch(event, run));
  }

  /**
   * Tells an event to its handlers. Returns nothing when all of them were synchronous.
   *
   * @throws the first error of a critical handler, or `CallbackAbort`, where the event's phase lets it end the run; the
   * other handlers have heard the event by then.
   */
  dispatch(event: CallbackEvent, run: DispatchTarget): void | Promise<void> {
    return this.#goOn({ event, run, handlers: run.handlers[event.type] }, 0);
  }

  /** {@link dispatch} for a caller that cannot wait: it learns at once what is known at once. */
  dispatchNow(event: CallbackEvent, run: DispatchTarget): PendingDispatch | undefined {
    const dispatch: Dispatch = { event, run, handlers: run.handlers[event.type] };
    const settled = this.#goOn(dispatch, 0);
    return settled === undefined ? undefined : { settled: settled, refused: dispatch.refused };
  }

  /**
   * The hot path, {@link dispatch} for a piece of an answer: its event is made if somebody hears it. Plain handlers are called
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
    return this.#goOn({ event, run, handlers }, chunkMethods.length);
  }

  // What follows is apart from the loop above, which engines put into its callers only while it is small.

  #threw(index: number, event: LlmStreamChunkEvent, run: DispatchTarget, error: unknown) {
    const handlers = run.handlers['llm.chunk'];
    const dispatch: Dispatch = { event, run, handlers };
    return this.#goOn(
      dispatch,
      index + 1,
      this.#handlers.failed(dispatch, handlers[index]!, error),
    );
  }

  /** Waits for a handler of a chunk, and tells those after it; behind the last one there is no promise but its own. */
  #awaitFrom(
    index: number,
    event: LlmStreamChunkEvent,
    run: DispatchTarget,
    returned: PromiseLike<unknown>,
  ): Promise<void> {
    const handlers = run.handlers['llm.chunk'];
    const goOn = () => this.#awaitEach({ event, run, handlers }, index, returned);
    const isLast = index + 1 === handlers.length && returned instanceof Promise;
    return isLast ? (returned as Promise<void>).then(undefined, goOn) : goOn();
  }

  /** Goes on with a chunk from the first handler that is waited for, with no promise but those of the handlers. */
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
      // Nothing is told after the terminal event.
      if (run.ended) return;
    }
    return this.#goOn(dispatch, chunkMethods.length);
  }

  /** Tells the handlers from the one numbered `next` on, when what is waited for is over. */
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
      // The run was ended while a handler kept this event waiting: nothing is told after the terminal event.
      if (run.ended && !isTerminal) return;
      await this.#handlers.invoke(dispatch, handlers[i]!);
    }
    if (dispatch.refused !== undefined) throw dispatch.refused.error;
  }

  /** Logs, and tells, that a handler has failed. Returns a promise only while there is something to wait for. */
  report(...failure: Parameters<HandlerCalls['report']>): Promise<void> | undefined {
    return this.#handlers.report(...failure);
  }
}
