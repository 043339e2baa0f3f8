import { setMaxListeners } from 'node:events';
import { LlmAbortedError, LlmTimeoutError } from '../errors/index.js';

/** What may stop a run from outside. */
export interface StopSources {
  readonly timeoutMs: number | undefined;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
  /** Fires when the client of the inbound request leaves. */
  readonly clientLeft: AbortSignal | undefined;
}

/** A run, as far as it can be stopped. */
export interface Stoppable {
  abort(reason: Error): void;
  /** The client of the inbound request left. */
  leave(reason: unknown): void;
}

/** Watches what may stop a run, from its start to its end. */
export class RunStops {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly sources: StopSources,
    private readonly run: Stoppable,
    /** What it is to the user: a call, an agent. */
    private readonly what: 'call' | 'agent',
  ) {}

  watch(): void {
    const { timeoutMs, signal, clientLeft } = this.sources;
    if (timeoutMs !== undefined) this.#timer = setTimeout(this.#onTimeout, timeoutMs);
    follow(signal, this.#onSignal);
    follow(clientLeft, this.#onClientLeft);
  }

  unwatch(): void {
    clearTimeout(this.#timer);
    this.sources.signal?.removeEventListener('abort', this.#onSignal);
    this.sources.clientLeft?.removeEventListener('abort', this.#onClientLeft);
  }

  readonly #onTimeout = (): void => {
    this.run.abort(
      new LlmTimeoutError(
        `The ${this.what} took longer than its timeoutMs of ${this.sources.timeoutMs}.`,
      ),
    );
  };

  readonly #onSignal = (): void => {
    const cause: unknown = this.sources.signal?.reason;
    this.run.abort(new LlmAbortedError(`The ${this.what} was aborted by its signal.`, { cause }));
  };

  readonly #onClientLeft = (): void => this.run.leave(this.sources.clientLeft?.reason);
}

function follow(signal: AbortSignal | undefined, listener: () => void): void {
  if (signal === undefined) return;
  if (signal.aborted) return listener();
  // Any number of runs may be given one signal; Node would warn of a leak from eleven on.
  setMaxListeners(Infinity, signal);
  signal.addEventListener('abort', listener, { once: true });
}
