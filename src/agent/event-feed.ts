import { EVENTS, type CallbackEvent } from '../events/event-map.js';
import { TerminalEvent } from '../events/event.js';
import { defer, type Deferred } from '../util/promises.js';

const DONE: IteratorResult<CallbackEvent, undefined> = { done: true, value: undefined };

/**
 * Passes the events of an agent's run to one consumer, which sets the pace: the agent is never more than one event
 * ahead.
 *
 * Only work that the consumer waits for is held back: never notes, which background handlers emit too, and nothing from
 * the agent's own terminal event on. A tool may leave calls running, and background handlers end later; if they waited
 * for a consumer that is gone, they would occupy their slots forever.
 */
export class EventFeed {
  readonly #queue: { readonly event: CallbackEvent; readonly release: () => void }[] = [];
  #waiting: Deferred<IteratorResult<CallbackEvent, undefined>> | undefined;
  /** Whether events are dropped, hold the agent back until they are read, or are queued without holding it back. */
  #mode: 'closed' | 'holding' | 'flowing' = 'closed';
  #end: { readonly error?: unknown } | undefined;
  #runId: string | undefined;

  /** Sets the agent's run, whose terminal event is the last one of the feed. */
  follow(runId: string): void {
    this.#runId = runId;
  }

  /** Receives every event of the agent's run and the runs in it. */
  onAnyEvent(event: CallbackEvent): void | Promise<void> {
    if (this.#mode === 'closed') return undefined;
    const isLast = event.runId === this.#runId && event instanceof TerminalEvent;
    const holds = this.#mode === 'holding' && !isLast && EVENTS[event.type].phase !== 'note';
    const taken = holds ? defer<void>() : undefined;
    this.#queue.push({ event, release: taken?.resolve ?? nothing });
    if (isLast) this.#stopTaking();
    if (this.#waiting) this.#serve(this.#waiting);
    return taken?.promise;
  }

  /** From now on there is a consumer. */
  open(): void {
    this.#mode = 'holding';
  }

  /** The agent no longer waits for its consumer, which still gets further events. */
  flow(): void {
    if (this.#mode === 'holding') this.#mode = 'flowing';
    this.#releaseAll();
  }

  /** The consumer is gone. */
  close(): void {
    this.#stopTaking();
    this.#queue.length = 0;
    this.#end ??= {};
    if (this.#waiting) this.#serve(this.#waiting);
  }

  /** There are no more events; after the queued ones the consumer gets the error, if there is one. */
  finish(end: { readonly error?: unknown }): void {
    this.#stopTaking();
    this.#end ??= end;
    if (this.#waiting) this.#serve(this.#waiting);
  }

  next(): Promise<IteratorResult<CallbackEvent, undefined>> {
    const again = () => this.next();
    if (this.#waiting) return this.#waiting.promise.then(again, again);
    const waiting = (this.#waiting = defer());
    this.#serve(waiting);
    return waiting.promise;
  }

  /** Drops further events; queued ones can still be read, and block nothing. */
  #stopTaking(): void {
    this.#mode = 'closed';
    this.#releaseAll();
  }

  #releaseAll(): void {
    for (const { release } of this.#queue) release();
  }

  #serve(waiting: Deferred<IteratorResult<CallbackEvent, undefined>>): void {
    const next = this.#queue.shift();
    if (next === undefined && this.#end === undefined) return;
    this.#waiting = undefined;
    if (next !== undefined) {
      waiting.resolve({ done: false, value: next.event });
      next.release();
      return;
    }
    const { error } = this.#end!;
    this.#end = {};
    if (error === undefined) waiting.resolve(DONE);
    else waiting.reject(error);
  }
}

function nothing(): void {}
