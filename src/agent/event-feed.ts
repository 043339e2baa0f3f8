import { defer, type Deferred } from '../run/index.js';
import type { CallbackEvent } from '../events/index.js';

const DONE: IteratorResult<CallbackEvent, undefined> = { done: true, value: undefined };

/** Hands the events of an agent to one reader, who sets the pace: the agent is never more than one event ahead. */
export class EventFeed {
  readonly #queue: { readonly event: CallbackEvent; readonly release: () => void }[] = [];
  #waiting: Deferred<IteratorResult<CallbackEvent, undefined>> | undefined;
  /** What happens to events: nobody wants them, their reader holds the agent up, or it does not any more. */
  #mode: 'closed' | 'holding' | 'flowing' = 'closed';
  #end: { readonly error?: unknown } | undefined;

  /** Hears every event of the agent's run and the runs in it. */
  onAnyEvent(event: CallbackEvent): void | Promise<void> {
    if (this.#mode === 'closed') return undefined;
    const taken = defer<void>();
    this.#queue.push({ event, release: taken.resolve });
    if (this.#mode === 'flowing') taken.resolve();
    if (this.#waiting) this.#serve(this.#waiting);
    return taken.promise;
  }

  /** From now on there is a reader. */
  open(): void {
    this.#mode = 'holding';
  }

  /** The agent must not wait for its reader any more, who still gets what comes. */
  flow(): void {
    if (this.#mode === 'holding') this.#mode = 'flowing';
    for (const { release } of this.#queue) release();
  }

  /** The reader is gone. */
  close(): void {
    this.#mode = 'closed';
    for (const { release } of this.#queue.splice(0)) release();
    this.#end ??= {};
    if (this.#waiting) this.#serve(this.#waiting);
  }

  /** There will be no more events; the reader gets the error, if there is one, after those that wait. */
  finish(end: { readonly error?: unknown }): void {
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
