import { setImmediate } from 'node:timers';
import { CallbacksConfigurationError, LlmAbortedError } from '../errors/index.js';
import type { CallbackEvent } from '../events/index.js';
import { observe } from '../llm/index.js';
import {
  defer,
  StreamWatchers,
  WHEN_OVER,
  type OwnStream,
  type StreamOutcome,
  type StreamWatcher,
} from '../run/index.js';
import type { AgentResult } from '../shapes/index.js';
import type { AgentRun } from './agent-run.js';
import { EventFeed } from './event-feed.js';
import type { Observable } from 'rxjs';

/** A run of an agent that waits to be read. @internal */
export interface ColdAgent {
  readonly agent: AgentRun;
  readonly feed: EventFeed;
  begin(): Promise<AgentResult>;
}

/**
 * An agent at work, as the events of its run and of everything inside: `agent.start`, `llm.chunk`, `tool.end` … Cold:
 * nothing happens before it is read, by `for await`, `.toObservable()` or `.result`. It has one reader, who sets the
 * pace; `.result` is none.
 *
 * Stopping to read (`break`) stops the model and the tools and ends the run with `finishReason: 'cancelled'`.
 *
 * @example
 * ```ts
 * const stream = agent.stream('Where is my order?');
 * for await (const event of stream) if (event.type === 'tool.start') console.log(event.toolName);
 * const { output } = await stream.result;
 * ```
 */
export class AgentStream
  implements AsyncIterable<CallbackEvent>, AsyncDisposable, OwnStream<AgentResult>
{
  readonly #cold: ColdAgent | Error;
  readonly #feed: EventFeed;
  readonly #result = defer<AgentResult>();
  readonly #watchers = new StreamWatchers<AgentResult>();
  #begun = false;
  #over = false;
  #isRead = false;
  #isDraining = false;

  /** @internal made by an agent; an error is thrown when the stream is read. */
  constructor(cold: ColdAgent | Error) {
    this.#cold = cold;
    this.#feed = cold instanceof Error ? new EventFeed() : cold.feed;
    // Whoever reads the stream gets the error from there.
    this.#result.promise.catch(() => undefined);
  }

  /** @throws CallbacksConfigurationError for a second reader */
  [Symbol.asyncIterator](): AsyncIterableIterator<CallbackEvent, undefined> {
    if (this.#isRead || this.#begun) {
      throw new CallbacksConfigurationError(
        'The stream of the agent has a reader already: a stream is read once. For the result beside it, await stream.result.',
      );
    }
    this.#isRead = true;
    const reader: AsyncIterableIterator<CallbackEvent, undefined> = {
      next: () => this.#next(),
      return: async () => {
        await this.#stop();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => reader,
    };
    return reader;
  }

  /**
   * What the agent came to; rejects when it fails. May be taken before, during or after reading. If nobody has begun to
   * read by the next macrotask, the agent works without a reader.
   */
  get result(): Promise<AgentResult> {
    if (!this.#isRead && !this.#isDraining) {
      this.#isDraining = true;
      setImmediate(() => {
        if (!this.#isRead && !this.#over) void this.#begin();
      });
    }
    return this.#result.promise;
  }

  /** Ends the agent in an `LlmAbortedError` with `reason` as its cause; one that was not begun fails when it is read. */
  abort(reason?: unknown): void {
    const cold = this.#cold;
    const error =
      cold instanceof Error
        ? cold
        : new LlmAbortedError('The agent was aborted.', { cause: reason });
    this.#agent?.abort(error);
    if (!this.#begun) void this.#watchers.tell({ error });
  }

  /** The events as an Observable, which reads when it is subscribed; unsubscribing is stopping to read. */
  toObservable(): Observable<CallbackEvent> {
    return observe(this);
  }

  /** Stops reading; an agent that was not begun never will be. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }

  /** @internal for the chain or the tool that it is the result of */
  [WHEN_OVER](watcher: StreamWatcher<AgentResult>): void {
    this.#watchers.add(watcher);
  }

  get #agent(): AgentRun | undefined {
    return this.#cold instanceof Error ? undefined : this.#cold.agent;
  }

  #next(): Promise<IteratorResult<CallbackEvent, undefined>> {
    if (!this.#begun && !this.#over) {
      this.#feed.open();
      void this.#begin();
    }
    return this.#feed.next();
  }

  async #begin(): Promise<void> {
    this.#begun = true;
    const cold = this.#cold;
    try {
      if (cold instanceof Error) throw cold;
      const { agent, feed } = cold;
      agent.run.signal.addEventListener('abort', () => feed.flow());
      agent.whenCancelled(() => feed.flow());
      await this.#conclude({ result: await cold.begin() });
    } catch (error) {
      await this.#conclude({ error });
    }
  }

  async #conclude(outcome: StreamOutcome<AgentResult>): Promise<void> {
    this.#over = true;
    const told = await this.#watchers.tell(outcome);
    if ('error' in told) this.#result.reject(told.error);
    else this.#result.resolve(told.result!);
    this.#feed.finish('error' in told ? told : {});
  }

  async #stop(): Promise<void> {
    if (this.#over) return;
    this.#feed.close();
    if (this.#begun) {
      this.#agent?.cancel();
      await this.#watchers.over;
      return;
    }
    this.#over = true;
    this.#result.reject(
      new LlmAbortedError('The stream was disposed of before it was read, so there is no result.'),
    );
    await this.#watchers.tell({ result: undefined });
  }
}
