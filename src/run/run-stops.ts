import { LlmAbortedError, LlmTimeoutError } from '../errors/index.js';

/** What may stop a call from outside. */
export interface StopSources {
  readonly timeoutMs: number | undefined;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
  /** Fires when the client of the inbound request leaves. */
  readonly clientLeft: AbortSignal | undefined;
}

/** A call, as far as it can be stopped. */
export interface Stoppable {
  abort(reason: Error): void;
  /** The client of the inbound request left. */
  leave(reason: unknown): void;
}

/** Watches what may stop a call, from its start to its end. */
export class CallStops {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly sources: StopSources,
    private readonly call: Stoppable,
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
    this.call.abort(
      new LlmTimeoutError(`The call took longer than its timeoutMs of ${this.sources.timeoutMs}.`),
    );
  };

  readonly #onSignal = (): void => {
    const cause: unknown = this.sources.signal?.reason;
    this.call.abort(new LlmAbortedError('The call was aborted by its signal.', { cause }));
  };

  readonly #onClientLeft = (): void => this.call.leave(this.sources.clientLeft?.reason);
}

function follow(signal: AbortSignal | undefined, listener: () => void): void {
  if (signal?.aborted) listener();
  else signal?.addEventListener('abort', listener, { once: true });
}
