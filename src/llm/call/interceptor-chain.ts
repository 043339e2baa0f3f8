import { compose, type InterceptorChain } from '../../dispatch/compose.js';
import { ObservedCallError } from '../../errors/callback-errors.js';
import { CallbacksError } from '../../errors/callbacks-error.js';
import { LlmAbortedError } from '../../errors/llm-errors.js';
import type { BillableKind, ModelStartEvent } from '../../events/event-map.js';
import type { Handler } from '../../handlers/handler.js';
import { READER_LEFT } from '../../runs/active-run.js';
import { Cancellation, follow } from '../../runs/cancellation.js';
import { comeBack, type Enter, here } from '../../runs/run-context.js';
import type {
  LlmChunk,
  LlmEstimate,
  LlmRequest,
  LlmResponse,
  ModelRequest,
  ModelResponse,
} from '../../types/llm.js';
import { defer, isThenable } from '../../util/promises.js';
import { resolveTarget } from '../client-resolver.js';
import type { InterceptedModelCall, LlmNextOptions, LlmSpent } from '../interceptors.js';
import { LlmStream } from '../llm-stream.js';
import type { LlmCall } from './llm-call.js';
import {
  attemptsOf,
  type ModelAnswer,
  type ModelTarget,
  type RequestMeter,
  ResponseAccumulator,
  sumOf,
} from './metering.js';
import type { ModelCall } from './model-call.js';
import { ProviderRequest } from './provider-request.js';
import { replay } from './replay.js';
import { type Answer, cancelledAnswer } from './response.js';
import type { Streamed, StreamReader } from './stream-reader.js';

/** One answer to a request of a call: the provider's, or the interceptors' result. */
export function ask<Q extends ModelRequest, A extends ModelAnswer, R extends ModelResponse & A>(
  call: ModelCall<Q, A, R>,
  request: Q,
): Promise<A> {
  const target = { client: call.spec.client, request };
  if (!call.isIntercepted) return new ProviderRequest(call, target, call.run).whole();
  const answering = askThrough(call, target);
  // After an abort, the caller does not wait for interceptors, which may still clean up.
  call.holdOpen(answering);
  return call.run.orAborted(answering);
}

/** Asks for the complete answer of a call, through its interceptors. */
async function askThrough<
  Q extends ModelRequest,
  A extends ModelAnswer,
  R extends ModelResponse & A,
>(call: ModelCall<Q, A, R>, target: ModelTarget<Q>): Promise<A> {
  const chain: InterceptorChain<ChainLink<Q, A, R>, Promise<A>> = {
    run: call.run,
    handlers: call.interceptors,
    work: (link) => link.openRequest().whole(),
    next:
      (link, goOn): Next<Q, Promise<R>> =>
      (request, options) => {
        const { inner, stop, watch } = link.continueWith(request, options);
        const answering = answerThrough(inner, goOn);
        // An interceptor may have stopped waiting for it.
        call.stopAtEnd(stop, answering, watch());
        return answering;
      },
    async accept(given, { name }, link) {
      const answer = await given;
      if (call.run.observed && answer !== link.given) throw notPassedOn(name);
      return call.kind.checkAnswer(name, link.target, answer);
    },
  };
  return compose(chain, new ChainLink(call, target, call.run));
}

/** The `next` of an interceptor. */
type Next<Q, R> = (request?: Q, options?: LlmNextOptions) => R;

async function answerThrough<
  Q extends ModelRequest,
  A extends ModelAnswer,
  R extends ModelResponse & A,
>(link: ChainLink<Q, A, R>, goOn: (link: ChainLink<Q, A, R>) => Promise<A>): Promise<R> {
  const preparing = link.prepare();
  if (preparing !== undefined) await preparing;
  return link.answered(await goOn(link));
}

/** Opens the source of a streamed call, through its interceptors, for `reader`. */
export function openThrough(call: LlmCall, reader: StreamReader): void | Promise<void> {
  const chain: InterceptorChain<LlmLink, Opening> = {
    run: call.run,
    handlers: call.interceptors,
    work: (link) => (to) => link.openRequest().stream(to, link.place),
    next:
      (link, goOn): Next<LlmRequest, LlmStream> =>
      (request, options) => {
        const { inner, stop, watch } = link.continueWith(request, options);
        inner.place = comeBack();
        const open: Opening = (to) => inner.place(() => goOn(inner))(to);
        return new LlmStream(new LinkStream(inner, stop, watch, open), call.spec.schema);
      },
    accept: (given, handler, link) => (to) => deliver(given, handler, link, to),
  };
  const link = new ChainLink(call, call.spec, call.run);
  return link.place(() => compose(chain, link))(reader);
}

/** A link of an LLM call. */
type LlmLink = ChainLink<LlmRequest, Answer, LlmResponse>;

/** Opens a source for a reader. */
type Opening = (reader: StreamReader) => void | Promise<void>;

/** Delivers what an interceptor returned for a streamed call. A stream of its `next`, unchanged, is passed through. */
async function deliver(
  given: unknown,
  interceptor: Handler,
  link: LlmLink,
  reader: StreamReader,
): Promise<void> {
  const result = isThenable(given) ? await given : given;
  const inner = result instanceof LlmStream ? LlmStream.readerOf(result) : undefined;
  if (inner !== undefined && reader.canPass(inner)) return reader.pass(inner);
  if (link.observed) throw notPassedOn(interceptor.name);
  const { call, target } = link;
  reader.read(
    replay(result, {
      interceptor: interceptor.name,
      target,
      inside: (work) => call.run.insideHandler(interceptor, work, true),
      begin: link.place,
      given: () => link.given,
      collect: call.collect,
    }),
  );
}

/** A call as an interceptor receives it, and the request that continues behind the interceptor. */
class ChainLink<
  Q extends ModelRequest,
  A extends ModelAnswer,
  R extends ModelResponse,
> implements InterceptedModelCall {
  /** Where the stream was created, with the application's AsyncLocalStorages. */
  place: Enter;
  /** What the interceptor's `next` last returned. */
  given: R | undefined;
  /** The request at the end of the chain, if no interceptor handles it. */
  #request: ProviderRequest<Q, A, R> | undefined;
  readonly #requests: RequestMeter<Q>[] = [];
  readonly #startedAt = performance.now();
  /** Whether another client is to be called, which may depend on the request's context. */
  #isUnresolved = false;
  /** Whether `next` was called. */
  #hasContinued = false;

  /**
   * @param stopping what stops it: the call, or what is aborted with it
   * @param outer what the surrounding interceptor received
   */
  constructor(
    readonly call: ModelCall<Q, A, R>,
    public target: ModelTarget<Q>,
    readonly stopping: Cancellation,
    private readonly outer?: ChainLink<Q, A, R>,
    private readonly maxRetries: number | undefined = outer?.maxRetries,
  ) {
    this.place = call.place ?? here;
  }

  get signal(): AbortSignal {
    return this.stopping.signal;
  }
  get kind(): BillableKind {
    return this.call.kind.name;
  }
  get request(): Q {
    return this.target.request;
  }
  get event(): ModelStartEvent {
    return this.call.startEvent;
  }
  get streaming(): boolean {
    return this.call.spec.streaming;
  }
  get observed(): boolean {
    return this.call.run.observed;
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
  get minInputTokens(): number {
    return this.call.meter.minInputTokens(this.request);
  }
  get maxOutputTokens(): number | undefined {
    return this.call.meter.maxOutputTokens(this.request);
  }
  get spent(): LlmSpent {
    const { usage, cost } = sumOf(this.#requests);
    return { requests: this.#requests.length, usage, cost };
  }

  priceOf(tokens: { inputTokens: number; outputTokens: number }): number | null {
    return this.call.meter.priceOf(this.target, tokens);
  }

  emit(name: string, fields?: unknown): Promise<void> {
    if (name === 'limiter.wait') this.#waited(fields);
    return this.call.emit(name, fields);
  }

  startWait(limiter: string): () => Promise<void> {
    const end = this.call.meter.waits.start();
    return () => this.emit('limiter.wait', { limiter, waitedMs: end() });
  }

  async pause<T>(wait: PromiseLike<T>): Promise<T> {
    const since = performance.now();
    try {
      return await this.stopping.orAborted(wait);
    } finally {
      this.call.meter.paused(performance.now() - since);
    }
  }

  /** The link behind the interceptor, which stops by itself when `stop` does. */
  continueWith(
    request: Q = this.request,
    options: LlmNextOptions = {},
  ): { inner: ChainLink<Q, A, R>; stop: Cancellation; watch: () => () => void } {
    if (this.observed) this.#checkObserved(request, options);
    const target = this.#targetOf(request, options);
    const { signal, maxRetries } = options;
    const stop = new Cancellation();
    const inner = new ChainLink(this.call, target, stop, this, maxRetries);
    const isOther = target.client !== this.target.client;
    inner.#isUnresolved = isOther && target.client.resolver !== undefined;
    const watch = (): (() => void) => {
      const unwatch = follow(this.stopping, (reason) => stop.abort(reason));
      const unwatchOwn = follow(signal, (reason) => stop.abort(toAbortedError(reason)));
      return () => {
        unwatch?.();
        unwatchOwn?.();
      };
    };
    return { inner, stop, watch };
  }

  /** Resolves which client is actually called, if an interceptor chose another one. Await the returned value. */
  prepare(): void | Promise<void> {
    if (this.#isUnresolved) return this.#resolve();
  }

  /** Opens the request to the provider. */
  openRequest(): ProviderRequest<Q, A, R> {
    this.#request = new ProviderRequest(this.call, this.target, this.stopping, this.maxRetries);
    this.note(this.#request.meter);
    return this.#request;
  }

  /** The meter of the request at the end of the chain, if no interceptor handles it. */
  get meter(): RequestMeter<Q> | undefined {
    return this.#request?.meter;
  }

  /** Checks the last item of a stream as an answer. */
  check(item: unknown): A {
    return this.#request === undefined
      ? (item as A)
      : this.call.kind.checkResult(this.target, item);
  }

  /** Records a streamed answer. */
  arrived(item: A): void {
    this.#request?.answered(item);
  }

  /** Why the chain failed. */
  failed(thrown: unknown): Error {
    return this.#request === undefined ? (thrown as Error) : this.#request.failed(thrown);
  }

  /** The answer as `next` returns it to the surrounding interceptor. */
  answered(answer: A): R {
    const response = this.response(answer);
    if (this.outer) this.outer.given = response;
    return response;
  }

  /** An answer as a response of this chain. */
  response(answer: A): R {
    return this.call.kind.toResponse(answer, this.provider, sumOf(this.#requests), {
      durationMs: performance.now() - this.#startedAt,
      timeToFirstChunkMs: undefined,
      attempts: attemptsOf(this.#requests),
    });
  }

  #waited(fields: unknown): void {
    const { waitedMs } = Object(fields) as { waitedMs?: unknown };
    if (typeof waitedMs === 'number') this.call.meter.waits.add(waitedMs);
  }

  async #resolve(): Promise<void> {
    const resolving = resolveTarget(this.call.run, this.target, this.place);
    this.target = await this.stopping.orAborted(resolving);
  }

  /** The request of an observed call is sent by its client, once and as it is. */
  #checkObserved(request: Q, { client }: LlmNextOptions): void {
    if (request !== this.request || client !== undefined || this.#hasContinued) {
      throw new ObservedCallError(
        'An interceptor called next() of an observed call twice, with another request or with another client: its request is sent by a client that is not ours. Let calls with call.observed pass by a single next().',
      );
    }
    this.#hasContinued = true;
  }

  #targetOf(request: Q, { client: name }: LlmNextOptions): ModelTarget<Q> {
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
    const model = this.call.kind.modelOf(client);
    // The type of the request with other values.
    return { client, request: { ...rest, ...options, model } as unknown as Q };
  }

  private note(request: RequestMeter<Q>): void {
    this.#requests.push(request);
    this.outer?.note(request);
  }
}

function notPassedOn(interceptor: string): ObservedCallError {
  return new ObservedCallError(
    `${interceptor} did not return what next() gives for an observed call: its caller gets the answer of a client that is not ours. Let calls with call.observed pass, and return what next() returns.`,
  );
}

/** Why a request was stopped, as its interceptor receives it. */
function toAbortedError(cause: unknown): Error {
  if (cause instanceof CallbacksError) return cause;
  return new LlmAbortedError('The request was aborted by the signal that next() got.', { cause });
}

/** The stream that an interceptor's `next` returns: of the answer only; no events are dispatched. */
class LinkStream implements Streamed {
  readonly isLink = true;
  readonly #closed = defer<void>();
  #arrivals: ResponseAccumulator;
  #isCancelled = false;
  /** The stream in whose place it is read. */
  #outer: Streamed | undefined;

  constructor(
    private readonly link: LlmLink,
    /** Stops only this stream. */
    private readonly left: Cancellation,
    /** Stops it with the surrounding call; returns a function that ends the watching. */
    private readonly watch: () => () => void,
    readonly open: Opening,
  ) {
    this.#arrivals = new ResponseAccumulator(link.call.collect);
  }

  get call(): LlmLink['call'] {
    return this.link.call;
  }

  get isCancelled(): boolean {
    return this.#isCancelled || (this.#outer?.isCancelled ?? false);
  }

  passIn(outer: Streamed): void {
    this.#outer = outer;
  }

  start(): void | Promise<void> {
    const { link } = this;
    link.call.stopAtEnd(this.left, this.closed, this.watch());
    if (link.stopping.aborted) throw link.stopping.reason as Error;
    return link.prepare();
  }

  onAbort(listener: (reason: unknown) => void): void {
    const { stopping } = this.link;
    stopping.onAbort(listener);
    void this.closed.then(() => stopping.offAbort(listener));
  }

  follow(arrivals: ResponseAccumulator): void {
    this.#arrivals = arrivals;
  }

  chunk(chunk: LlmChunk): void {
    this.#arrivals.chunk(chunk);
  }

  check(item: unknown): Answer {
    return this.link.check(item);
  }

  async conclude(answer: Answer): Promise<LlmResponse> {
    this.link.arrived(answer);
    this.#closed.resolve();
    return this.link.answered(answer);
  }

  sourceError(thrown: unknown): Error {
    return thrown as Error;
  }

  async breakOff(thrown: unknown): Promise<LlmResponse> {
    const { link } = this;
    try {
      if (!this.isCancelled) throw link.failed(thrown);
      link.meter?.fail();
      const model = link.meter?.model ?? link.request.model;
      return link.response(cancelledAnswer(this.#arrivals.text, model, link.spent.usage));
    } finally {
      this.#closed.resolve();
    }
  }

  holdOpen(cleanup: Promise<void>): void {
    this.link.call.holdOpen(cleanup);
  }

  abort(reason: Error): void {
    this.left.abort(reason);
  }

  cancel(): void {
    if (this.left.aborted) return;
    this.#isCancelled = true;
    this.left.abort(new LlmAbortedError(READER_LEFT));
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }
}
