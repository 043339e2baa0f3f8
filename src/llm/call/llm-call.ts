import { tooLate } from '../../dispatch/compose.js';
import { LlmAbortedError } from '../../errors/llm-errors.js';
import {
  LlmEndEvent,
  LlmErrorEvent,
  LlmRetryEvent,
  LlmStartEvent,
} from '../../events/llm.events.js';
import { BIND_CONTEXT } from '../../handlers/handler.js';
import type { PriceBook } from '../../prices/price-book.js';
import { ActiveRun, type Outcome, type RunRuntime } from '../../runs/active-run.js';
import type { StopSources } from '../../runs/cancellation.js';
import { comeBack, type Enter } from '../../runs/run-context.js';
import type { Run } from '../../runs/run.js';
import type { AnswerSchema } from '../../schema/answer-schema.js';
import type { LlmChunk, LlmRequest, LlmResponse, ProviderResult } from '../../types/llm.js';
import { callsApplication, resolveTarget } from '../client-resolver.js';
import type { LlmClients } from '../client.js';
import { type LlmStreamOptions, stopSourceOf } from '../llm-options.js';
import type { LlmRetry } from '../llm-provider.js';
import { guardRealCall } from '../stand-ins.js';
import { LLM_MEASURE } from './estimate.js';
import { CallMeter, type LlmTarget, type RequestMeter } from './metering.js';
import { type Answer, cancelledAnswer, toResponse } from './response.js';

/** What all calls of an application share. */
export interface LlmRuntime extends RunRuntime {
  readonly prices: PriceBook;
  readonly clients: LlmClients;
}

/** The client and request of a call, with its options. */
export interface LlmCallSpec extends LlmTarget {
  readonly options: LlmStreamOptions;
  readonly streaming: boolean;
  /** The schema that the answer must match. */
  readonly schema: AnswerSchema | undefined;
}

/** One logical call: from its start event, through its requests and chunks, to its one terminal event. */
export class LlmCall extends ActiveRun<Answer> {
  /** Whether streamed text is kept. */
  readonly collect: boolean;
  /** The start event, with the original request; created on first access. */
  startEvent!: LlmStartEvent;
  readonly meter: CallMeter<LlmRequest>;
  /** When the call's `timeoutMs` expires, by `performance.now()`. */
  deadline: number | undefined;
  /** Stops requests of interceptors that are still in progress. */
  #underWay: Set<AbortController> | undefined;
  #chunks = 0;
  /** Where the stream was created; set if reading the stream calls code of the application. */
  readonly place: Enter | undefined;

  constructor(
    run: Run,
    public spec: LlmCallSpec,
    override readonly runtime: LlmRuntime,
  ) {
    super(run, runtime);
    if (spec.streaming && callsApplication(run, spec.client)) this.place = comeBack();
    this.collect = spec.options.collect ?? true;
    this.meter = new CallMeter(runtime.prices, LLM_MEASURE, this.collect);
  }

  /** Whether interceptors wrap the call. */
  get isIntercepted(): boolean {
    return this.run.handlers['intercept.llm'].length > 0;
  }

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
    // Needed at the end, and earlier by handlers that read the estimate.
    const loading = this.runtime.prices.load();
    const { handlers } = this.run;
    const isNeeded =
      handlers['llm.start'].length > 0 || handlers[BIND_CONTEXT].length > 0 || this.isIntercepted;
    if (isNeeded) {
      const dispatching = loading
        ? loading.then(() => this.#dispatchStart())
        : this.#dispatchStart();
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
    const { request, streaming } = this.spec;
    const estimate = () => this.meter.estimate(this.spec);
    this.startEvent = new LlmStartEvent(this.run, { request, streaming, estimate });
    return this.dispatchStart(this.startEvent);
  }

  #started(): void {
    if (this.run.aborted) throw this.run.reason as Error;
    this.meter.start();
  }

  /** Stops an interceptor's request if it is still in progress when the call is answered. */
  stopAtEnd(stop: AbortController, asking: Promise<unknown>): void {
    const underWay = (this.#underWay ??= new Set());
    const forget = () => void underWay.delete(stop);
    underWay.add(stop);
    asking.then(forget, forget);
  }

  /** Opens a request to a provider. Fails once the call has ended or was aborted, and if a test forbids it. */
  openRequest(target: LlmTarget): RequestMeter<LlmRequest> {
    if (this.run.aborted) throw this.run.reason as Error;
    if (this.run.ended) throw tooLate('call');
    guardRealCall(target.client);
    const failure = this.meter.takeFailure();
    const request = this.meter.open(target);
    if (failure !== undefined) this.retrying(failure);
    return request;
  }

  /** Records a request that failed, or that the call's consumer cancelled. */
  requestFailed(request: RequestMeter<LlmRequest>, error: Error): void {
    if (this.isCancelled) request.fail();
    else this.meter.failed(request, error);
  }

  /** Dispatches that another attempt begins. */
  retrying(retry: LlmRetry): void {
    if (this.run.ended) return;
    const attempt = this.meter.nextRetry();
    // Never awaited: the attempt has begun, and the SDK's own clock is running.
    void this.dispatch(new LlmRetryEvent(this.run, { attempt, ...retry }));
  }

  /** Dispatches a chunk that arrived at `timestamp`; await the returned value before the consumer gets the chunk. */
  chunk(chunk: LlmChunk, timestamp: number): void | Promise<void> {
    this.meter.arrivals.chunk(chunk);
    return this.runtime.dispatcher.dispatchChunk(chunk, this.#chunks++, timestamp, this.run);
  }

  /**
   * Records a complete answer that is not yet checked, so that the terminal event has it if the call ends meanwhile.
   */
  arrived({ text }: ProviderResult): void {
    this.meter.arrivals.text = text;
  }

  /** Counts the answer that arrived as a failed attempt; fails if the call was aborted. */
  rejectAttempt(error: Error): void {
    if (this.run.aborted) throw this.run.reason as Error;
    this.meter.rejectAttempt(error);
  }

  complete(outcome: Outcome<Answer>, object?: unknown): LlmResponse | Promise<LlmResponse> {
    if ('result' in outcome) return this.#succeed(outcome.result, object);
    if (this.isCancelled && !this.run.ended) return this.#succeedCancelled();
    return this.#fail(outcome.error);
  }

  #succeed(answer: Answer, object?: unknown): LlmResponse | Promise<LlmResponse> {
    const { meter } = this;
    this.end();
    // Requests beside the answer count as they stand.
    meter.closeAll();
    this.#underWay?.forEach((stop) => stop.abort(new LlmAbortedError('The call was answered.')));
    const { total } = meter;
    this.run.spend(total.usage, total.cost);
    const response = toResponse(answer, this.spec.client.label, total, meter, object);
    const dispatching = this.dispatchLast(new LlmEndEvent(this.run, response, this.#changedTarget));
    return dispatching === undefined ? response : dispatching.then(() => response);
  }

  /** Completes a call whose consumer stopped reading with what has arrived. */
  async #succeedCancelled(): Promise<LlmResponse> {
    const { meter } = this;
    // Before costs are awaited: nothing can stop the call from here on.
    this.end();
    const loading = meter.prepareCost();
    if (loading !== undefined) await loading;
    const model = meter.model ?? this.spec.request.model;
    const answer = cancelledAnswer(meter.arrivals.text, model, meter.total.usage);
    const sent = this.#changedTarget;
    return this.#succeed(sent ? { ...answer, provider: sent.client.label } : answer);
  }

  async #fail(thrown: unknown): Promise<never> {
    if (this.run.ended) throw thrown;
    const error = (this.run.aborted ? this.run.reason : thrown) as Error;
    const { meter } = this;
    this.end();
    // Stops what the provider and the handlers still do for the run.
    this.run.abort(error);
    await meter.prepareCost();
    meter.closeAll(error);
    const { durationMs, attempts, arrivals } = meter;
    const { usage, cost } = meter.total;
    this.run.spend(usage, cost);
    const aborted = error instanceof LlmAbortedError;
    const { text } = arrivals;
    const failure = { error, text, usage, cost, aborted, durationMs, attempts };
    await this.dispatchLast(new LlmErrorEvent(this.run, failure, this.#changedTarget));
    throw error;
  }

  /** What was actually sent, if interceptors changed it. */
  get #changedTarget(): LlmTarget | undefined {
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
