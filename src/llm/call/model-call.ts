import { tooLate } from '../../dispatch/compose.js';
import { LlmAbortedError } from '../../errors/llm-errors.js';
import type { BillableKind, CallbackEvent, ModelStartEvent } from '../../events/event-map.js';
import { BIND_CONTEXT, type Handler } from '../../handlers/handler.js';
import type { PriceBook } from '../../prices/price-book.js';
import { ActiveRun, type RunRuntime } from '../../runs/active-run.js';
import type { Outcome } from '../../runs/cold-stream.js';
import type { Cancellation, StopSources } from '../../runs/cancellation.js';
import type { Enter } from '../../runs/run-context.js';
import type { Run } from '../../runs/run.js';
import type { Attempt, ChunkGaps, ModelRequest, ModelResponse } from '../../types/llm.js';
import type { Usage } from '../../types/usage.js';
import { resolveTarget } from '../client-resolver.js';
import type { LlmClient, LlmClients } from '../client.js';
import { type StopOptions, stopSourceOf } from '../llm-options.js';
import type { LlmProvider, LlmProviderContext, LlmRetry } from '../llm-provider.js';
import { guardRealCall } from '../stand-ins.js';
import type { RequestMeasure } from './estimate.js';
import {
  CallMeter,
  type ModelAnswer,
  type ModelTarget,
  type RequestMeter,
  type UsageAndCost,
} from './metering.js';

/** What all calls of an application share. */
export interface LlmRuntime extends RunRuntime {
  readonly prices: PriceBook;
  readonly clients: LlmClients;
}

/** When and how a call was answered. */
export interface AnswerFacts {
  readonly durationMs: number;
  /** Streams only. */
  readonly timeToFirstChunkMs: number | undefined;
  readonly attempts: Attempt[];
  /** Streams only. */
  readonly chunkGapsMs?: ChunkGaps | undefined;
  readonly tokensPerSecond?: number | undefined;
  readonly limiterWaitMs?: number | undefined;
}

/**
 * What is special about one kind of billable calls.
 *
 * @typeParam Q the request
 * @typeParam A the answer of a provider, or of an interceptor
 * @typeParam R the response as the caller gets it
 */
export interface ModelKind<Q extends ModelRequest, A extends ModelAnswer, R extends ModelResponse> {
  readonly name: BillableKind;
  /** The type of its start event. */
  readonly start: `${BillableKind}.start`;
  /** What its interceptors are registered for. */
  readonly interceptors: `intercept.${BillableKind}`;
  readonly measure: RequestMeasure<Q>;
  /** The model of a client for requests that name none; throws if the client has none. */
  modelOf(client: LlmClient): string;
  /** Sends a request; the answer is not yet checked. */
  send(provider: LlmProvider, request: Q, context: LlmProviderContext): Promise<unknown>;
  /** Checks the answer of any provider, so that the call can no longer fail while it ends. */
  checkResult(target: ModelTarget<Q>, given: unknown): A;
  /** Checks what an interceptor returned. */
  checkAnswer(interceptor: string, target: ModelTarget<Q>, given: unknown): A;
  /** @param provider the label of the client that the answer came from, unless the answer has one */
  toResponse(answer: A, provider: string, total: UsageAndCost, facts: AnswerFacts): R;
}

/** The client and request of a call, with its options. */
export interface ModelCallSpec<Q extends ModelRequest> extends ModelTarget<Q> {
  readonly options: StopOptions;
  readonly streaming: boolean;
}

/** The state of a call when it failed. */
export interface ModelFailure {
  readonly error: Error;
  readonly usage: Usage;
  readonly cost: number | null;
  readonly aborted: boolean;
  readonly durationMs: number;
  readonly attempts: readonly Attempt[];
  readonly timeToFirstChunkMs: number | undefined;
  readonly chunkGapsMs: ChunkGaps | undefined;
  readonly limiterWaitMs: number | undefined;
}

/** One billable call of any kind: from its start event, through its requests, to its one terminal event. */
export abstract class ModelCall<
  Q extends ModelRequest,
  A extends ModelAnswer,
  R extends ModelResponse,
> extends ActiveRun<A> {
  /** The start event, with the original request; created on first access. */
  startEvent!: ModelStartEvent;
  readonly meter: CallMeter<Q>;
  /** When the call's `timeoutMs` expires, by `performance.now()`. */
  deadline: number | undefined;
  /** Where the stream was created; set if reading the stream calls code of the application. */
  abstract readonly place: Enter | undefined;
  /** Stops requests of interceptors that are still in progress. */
  #underWay: Set<Cancellation> | undefined;

  /** @param collect whether streamed text is kept */
  constructor(
    run: Run,
    readonly kind: ModelKind<Q, A, R>,
    public spec: ModelCallSpec<Q>,
    override readonly runtime: LlmRuntime,
    readonly collect: boolean,
  ) {
    super(run, runtime);
    run.isModelCall = true;
    this.meter = new CallMeter(runtime.prices, kind.measure, collect);
  }

  /** The interceptors that wrap the call. */
  get interceptors(): readonly Handler[] {
    return this.run.handlers[this.kind.interceptors];
  }

  /** Whether interceptors wrap the call. */
  get isIntercepted(): boolean {
    return this.interceptors.length > 0;
  }

  protected abstract newStartEvent(): ModelStartEvent;
  protected abstract newEndEvent(response: R, sent: ModelTarget<Q> | undefined): CallbackEvent;
  protected abstract newErrorEvent(
    failure: ModelFailure,
    sent: ModelTarget<Q> | undefined,
  ): CallbackEvent;

  start(): void | Promise<void> {
    this.open();
    const { timeoutMs } = this.spec.options;
    if (timeoutMs !== undefined) this.deadline = performance.now() + timeoutMs;
    const { resolver } = this.spec.client;
    return resolver === undefined ? this.#announce() : this.#resolveThenAnnounce();
  }

  protected override stopSources(): StopSources {
    const { options, streaming } = this.spec;
    return {
      what: 'call',
      streaming,
      timeoutMs: options.timeoutMs,
      signal: stopSourceOf(options),
      clientLeft: this.run.context.signal,
    };
  }

  #announce(): void | Promise<void> {
    const { handlers } = this.run;
    const isNeeded =
      handlers[this.kind.start].length > 0 ||
      handlers[BIND_CONTEXT].length > 0 ||
      this.isIntercepted;
    if (isNeeded) {
      const dispatching = this.#dispatchStart();
      if (dispatching !== undefined) return dispatching.then(() => this.#started());
    }
    this.#started();
  }

  /** An error of the application ends the call; it is reported after the start event. */
  async #resolveThenAnnounce(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    try {
      if (!this.run.aborted) await this.#retarget();
    } catch (error) {
      failure = { error };
    }
    try {
      await this.#announce();
    } catch (error) {
      failure ??= { error };
    }
    if (failure !== undefined) throw failure.error;
  }

  async #retarget(): Promise<void> {
    const { client, request } = await this.run.orAborted(
      resolveTarget(this.run, this.spec, this.place),
    );
    this.spec = { ...this.spec, client, request };
    this.run.provider = client.label;
    this.run.model = request.model;
  }

  #dispatchStart(): void | Promise<void> {
    this.startEvent = this.newStartEvent();
    return this.dispatchStart(this.startEvent);
  }

  #started(): void {
    if (this.run.aborted) throw this.run.reason as Error;
    this.meter.start();
  }

  /**
   * Stops an interceptor's request if it is still in progress when the call is answered.
   *
   * @param settled called when it is no longer in progress
   */
  stopAtEnd(stop: Cancellation, asking: Promise<unknown>, settled: () => void): void {
    const underWay = (this.#underWay ??= new Set());
    const forget = () => {
      underWay.delete(stop);
      settled();
    };
    underWay.add(stop);
    asking.then(forget, forget);
  }

  /** Opens a request to a provider. Fails once the call has ended or was aborted, and if a test forbids it. */
  openRequest(target: ModelTarget<Q>): RequestMeter<Q> {
    if (this.run.aborted) throw this.run.reason as Error;
    if (this.run.ended) throw tooLate('call');
    guardRealCall(target.client);
    const failure = this.meter.takeFailure();
    const request = this.meter.open(target);
    if (failure !== undefined) this.retrying(failure);
    return request;
  }

  /** Records a request that failed, or that the call's consumer cancelled. */
  requestFailed(request: RequestMeter<Q>, error: Error): void {
    if (this.isCancelled) request.fail();
    else this.meter.failed(request, error);
  }

  /** Called when another attempt begins. */
  abstract retrying(retry: LlmRetry): void;

  complete(outcome: Outcome<A>): R | Promise<R> {
    return 'result' in outcome ? this.succeed(outcome.result) : this.#fail(outcome.error);
  }

  /** Ends the run with an answer. */
  protected succeed(answer: A): R | Promise<R> {
    const { meter } = this;
    this.end();
    // Requests beside the answer count as they stand.
    meter.closeAll();
    this.#underWay?.forEach((stop) => stop.abort(new LlmAbortedError('The call was answered.')));
    const { total } = meter;
    this.run.spend(total.usage, total.cost);
    const response = this.kind.toResponse(answer, this.spec.client.label, total, meter);
    const dispatching = this.dispatchLast(this.newEndEvent(response, this.changedTarget));
    return dispatching === undefined ? response : dispatching.then(() => response);
  }

  async #fail(thrown: unknown): Promise<never> {
    if (this.run.ended) throw thrown;
    const error = (this.run.aborted ? this.run.reason : thrown) as Error;
    const { meter } = this;
    this.end();
    // Stops what the provider and the handlers still do for the run.
    this.run.abort(error);
    meter.closeAll(error);
    const { durationMs, attempts, timeToFirstChunkMs, chunkGapsMs, limiterWaitMs } = meter;
    const { usage, cost } = meter.total;
    this.run.spend(usage, cost);
    const aborted = error instanceof LlmAbortedError;
    const failure: ModelFailure = {
      error,
      usage,
      cost,
      aborted,
      durationMs,
      attempts,
      timeToFirstChunkMs,
      chunkGapsMs,
      limiterWaitMs,
    };
    await this.dispatchLast(this.newErrorEvent(failure, this.changedTarget));
    throw error;
  }

  /** What was actually sent, if interceptors changed it. */
  protected get changedTarget(): ModelTarget<Q> | undefined {
    if (!this.isIntercepted) return undefined;
    const { lastTarget } = this.meter;
    return lastTarget?.request === this.spec.request ? undefined : lastTarget;
  }

  /** Takes the right to dispatch the terminal event, and stops the clock. */
  protected override end(): boolean {
    const isFirst = super.end();
    if (isFirst) this.meter.stop();
    return isFirst;
  }
}
