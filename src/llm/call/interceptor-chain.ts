import { callInterceptor, nextInterceptor } from '../../dispatch/compose.js';
import { CallbacksError } from '../../errors/callbacks-error.js';
import { LlmAbortedError } from '../../errors/llm-errors.js';
import type { LlmStartEvent } from '../../events/llm.events.js';
import type { Handler } from '../../handlers/handler.js';
import { comeBack, type Enter, here } from '../../runs/run-context.js';
import type { LlmChunk, LlmEstimate, LlmRequest, LlmResponse } from '../../types/llm.js';
import { abortable, defer, stopWith } from '../../util/promises.js';
import { resolveTarget } from '../client-resolver.js';
import type { InterceptedLlmCall, LlmNext, LlmNextOptions, LlmSpent } from '../intercept-llm.js';
import { LlmStream } from '../llm-stream.js';
import type { LlmCall } from './llm-call.js';
import {
  attemptsOf,
  type LlmTarget,
  type RequestMeter,
  ResponseAccumulator,
  sumOf,
} from './metering.js';
import { ProviderRequest } from './provider-request.js';
import { replay, type ReplayPlace } from './replay.js';
import { type Answer, cancelledAnswer, checkAnswer, checkResult, toResponse } from './response.js';
import type { ItemSource, Streamed } from './streamed.js';

/**
 * The chain that a request passes through: the next interceptor, which sees it as its call, or the provider if no
 * interceptor is left.
 */
export class InterceptorChain implements InterceptedLlmCall, ChainLink {
  readonly kind = 'llm';
  /** The request at the end of the chain, if no interceptor handles it. */
  #request: ProviderRequest | undefined;
  readonly #requests: RequestMeter[] = [];
  readonly #startedAt = performance.now();
  /** What the interceptor's `next` last returned. */
  #given: LlmResponse | undefined;
  #at: number;
  /** Whether another client is to be called, which may depend on the request's context. */
  #isUnresolved = false;
  /** Where the stream was created, with the application's AsyncLocalStorages. */
  #place: Enter;

  /**
   * @param signal the call's signal, or one that fires with it
   * @param outer the chain that the surrounding interceptor was given
   */
  constructor(
    readonly call: LlmCall,
    private target: LlmTarget,
    readonly signal: AbortSignal,
    private readonly outer?: InterceptorChain,
    private readonly maxRetries: number | undefined = outer?.maxRetries,
  ) {
    this.#at = outer === undefined ? 0 : outer.#at + 1;
    this.#place = call.place ?? here;
  }

  get request(): LlmRequest {
    return this.target.request;
  }
  get event(): LlmStartEvent {
    return this.call.startEvent;
  }
  get streaming(): boolean {
    return this.call.spec.streaming;
  }
  get client(): string {
    return this.target.client.name ?? 'default';
  }
  get provider(): string {
    return this.target.client.label;
  }
  get estimate(): LlmEstimate {
    return this.call.meter.estimate(this.target);
  }
  get spent(): LlmSpent {
    const { usage, cost } = sumOf(this.#requests);
    return { requests: this.#requests.length, usage, cost };
  }

  priceOf(tokens: { inputTokens: number; outputTokens: number }): number | null {
    return this.call.meter.priceOf(this.target, tokens);
  }

  async pause<T>(wait: PromiseLike<T>): Promise<T> {
    const since = performance.now();
    try {
      return await abortable(wait, this.signal);
    } finally {
      this.call.meter.paused(performance.now() - since);
    }
  }

  /** Resolves which client is actually called, if an interceptor chose another one. Await the returned value. */
  prepare(): void | Promise<void> {
    if (this.#isUnresolved) return this.#resolve();
  }

  async #resolve(): Promise<void> {
    this.target = await abortable(
      resolveTarget(this.call.run, this.target, this.#place),
      this.signal,
    );
  }

  /** The complete answer. */
  async whole(): Promise<Answer> {
    const preparing = this.prepare();
    if (preparing !== undefined) await preparing;
    const handler = this.#interceptor();
    if (handler === undefined) return this.#openRequest().whole();
    return checkAnswer(handler.name, this.target, await this.#intercept(handler));
  }

  /** Opens the source of the streamed answer: the provider's, or the interceptor's. */
  open(read: (source: ItemSource) => void): void {
    const handler = this.#interceptor();
    if (handler === undefined) {
      this.#openRequest().stream(read, this.#place);
      return;
    }
    const place: ReplayPlace = {
      interceptor: handler.name,
      target: this.target,
      inside: (work) => this.call.run.insideHandler(handler, work),
      begin: this.#place,
      given: () => this.#given,
      collect: this.call.collect,
    };
    read(replay(() => this.#intercept(handler), place));
  }

  async arrived(item: Answer): Promise<void> {
    await this.#request?.answered(item);
  }

  check(item: unknown): Answer {
    return this.#request === undefined ? (item as Answer) : checkResult(this.target, item);
  }

  async failed(thrown: unknown): Promise<Error> {
    return this.#request === undefined ? (thrown as Error) : this.#request.failed(thrown);
  }

  get meter(): RequestMeter | undefined {
    return this.#request?.meter;
  }

  answered(answer: Answer): LlmResponse {
    const response = this.response(answer);
    if (this.outer) this.outer.#given = response;
    return response;
  }

  response(answer: Answer): LlmResponse {
    return toResponse(answer, this.provider, sumOf(this.#requests), {
      durationMs: performance.now() - this.#startedAt,
      timeToFirstChunkMs: undefined,
      attempts: attemptsOf(this.#requests),
    });
  }

  readonly #next: LlmNext = (request = this.request, options = {}) => {
    const target = this.#targetOf(request, options);
    const isOther = target.client !== this.target.client;
    const { signal, maxRetries } = options;
    const stop = new AbortController();
    const inner = new InterceptorChain(this.call, target, stop.signal, this, maxRetries);
    inner.#isUnresolved = isOther && target.client.resolver !== undefined;
    const watch = (): (() => void) => {
      const unwatch = stopWith(this.signal, stop);
      const unwatchOwn = signal && stopWith(signal, stop, toAbortedError);
      return () => {
        unwatch();
        unwatchOwn?.();
      };
    };
    if (this.streaming) {
      inner.#place = comeBack();
      const { schema } = this.call.spec;
      return new LlmStream(new StreamedChain(inner, stop, watch), schema);
    }
    const unwatch = watch();
    const answering = inner.whole().then((answer) => inner.answered(answer));
    // An interceptor may have stopped waiting for it.
    this.call.stopAtEnd(stop, answering);
    answering.then(unwatch, unwatch);
    return answering;
  };

  #targetOf(request: LlmRequest, { client: name }: LlmNextOptions): LlmTarget {
    if (name === undefined) return { client: this.target.client, request };
    const named = this.call.runtime.clients.named(name);
    const { client: asked } = this.target;
    // The client may have been resolved for this call.
    const isSameClient = named === (asked.origin ?? asked);
    const client = isSameClient ? asked : named;
    if (isSameClient || request.model !== this.request.model) return { client, request };
    const { providerOptions, ...rest } = request;
    // Options for one SDK mean nothing to another.
    const isSame = client.provider.name === this.target.client.provider.name;
    const options = isSame && providerOptions !== undefined && { providerOptions };
    return { client, request: { ...rest, ...options, model: client.model } };
  }

  #interceptor(): Handler | undefined {
    const handlers = this.call.run.handlers['intercept.llm'];
    this.#at = nextInterceptor(handlers, this.#at, this);
    return handlers[this.#at];
  }

  #intercept(handler: Handler): unknown {
    return callInterceptor(handler, this.call.run, this, this.#next);
  }

  #openRequest(): ProviderRequest {
    this.#request = new ProviderRequest(this.call, this.target, this.signal, this.maxRetries);
    this.note(this.#request.meter);
    return this.#request;
  }

  private note(request: RequestMeter): void {
    this.#requests.push(request);
    this.outer?.note(request);
  }
}

/** Why a request was stopped, as its interceptor receives it. */
function toAbortedError(cause: unknown): Error {
  if (cause instanceof CallbacksError) return cause;
  return new LlmAbortedError('The request was aborted by the signal that next() got.', { cause });
}

/** The chain from an interceptor's `next` to the provider, or to the next interceptor's result. */
interface ChainLink extends Pick<InterceptedLlmCall, 'request' | 'signal' | 'spent'> {
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
class StreamedChain implements Streamed {
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
