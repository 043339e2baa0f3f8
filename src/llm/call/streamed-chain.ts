import { LlmAbortedError } from '../../errors/llm-errors.js';
import { defer } from '../../util/deferred.js';
import type { LlmChunk, LlmResponse } from '../../types/llm.js';
import type { InterceptedLlmCall } from '../intercept-llm.js';
import type { LlmCall } from './llm-call.js';
import { cancelledAnswer, type Answer } from './provider-result.js';
import { ResponseAccumulator, type RequestMeter } from './request-meter.js';
import type { ItemSource, Streamed } from './streamed.js';

/** The chain from an interceptor's `next` to the provider, or to the next interceptor's result. */
export interface ChainLink extends Pick<InterceptedLlmCall, 'request' | 'signal' | 'spent'> {
  readonly call: LlmCall;
  /** The meter of the request at the end of the chain, if no interceptor handles it. */
  readonly meter: RequestMeter | undefined;
  /** Runs first. Await the returned value. */
  prepare(): void | Promise<void>;
  /** Opens the source of the streamed answer. */
  open(read: (source: ItemSource) => void): void;
  /** Checks the last item of the source as an answer. */
  check(item: unknown): Answer;
  /** Checks and records the last item of the source. */
  arrived(item: Answer): Promise<void>;
  /** Why the chain failed. */
  failed(thrown: unknown): Promise<Error>;
  /** The answer as `next` returns it to the surrounding interceptor. */
  answered(answer: Answer): LlmResponse;
  /** An answer as a response of this chain. */
  response(answer: Answer): LlmResponse;
}

/** The stream that an interceptor's `next` returns: of the answer only; no events are dispatched. */
export class StreamedChain implements Streamed {
  readonly #closed = defer<void>();
  #arrivals: ResponseAccumulator;
  #cancelled = false;

  constructor(
    private readonly link: ChainLink,
    /** Stops only this stream. */
    private readonly left: AbortController,
    /** Stops it with the surrounding call; returns a function that ends the watching. */
    private readonly watch: () => () => void,
  ) {
    this.#arrivals = new ResponseAccumulator(link.call.collect);
  }

  begin(): void | Promise<void> {
    void this.closed.then(this.watch());
    if (this.link.signal.aborted) throw this.link.signal.reason as Error;
    this.link.call.stopAtEnd(this.left, this.closed);
    return this.link.prepare();
  }

  open(read: (source: ItemSource) => void): void {
    this.link.open((source) => {
      this.#arrivals = this.link.meter?.arrivals ?? this.#arrivals;
      read(source);
    });
  }

  whenAborted(listener: (reason: unknown) => void): void {
    const { signal } = this.link;
    const notify = () => listener(signal.reason);
    if (signal.aborted) notify();
    else signal.addEventListener('abort', notify, { once: true });
    void this.closed.then(() => signal.removeEventListener('abort', notify));
  }

  chunk(chunk: LlmChunk): void {
    this.#arrivals.chunk(chunk);
  }

  check(item: unknown): Answer {
    return this.link.check(item);
  }

  async conclude(answer: Answer): Promise<LlmResponse> {
    await this.link.arrived(answer);
    this.#closed.resolve();
    return this.link.answered(answer);
  }

  sourceError(thrown: unknown): Error {
    return thrown as Error;
  }

  async breakOff(thrown: unknown): Promise<LlmResponse> {
    const { link } = this;
    try {
      if (!this.#cancelled) throw await link.failed(thrown);
      await link.call.meter.prepareCost();
      link.meter?.fail();
      const model = link.meter?.model ?? link.request.model;
      return link.response(cancelledAnswer(this.#arrivals.text, model, link.spent.usage));
    } finally {
      this.#closed.resolve();
    }
  }

  /** A provider is not awaited; interceptors may have cleanup to do. */
  releasing(done: Promise<void>): void {
    if (this.link.meter === undefined) this.link.call.holdOpen(done);
  }

  abort(reason: Error): void {
    this.left.abort(reason);
  }

  cancel(): void {
    if (this.left.signal.aborted) return;
    this.#cancelled = true;
    this.left.abort(new LlmAbortedError('The reader of the stream stopped reading.'));
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }
}
