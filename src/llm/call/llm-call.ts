import type { Outcome } from '../../runs/cold-stream.js';
import type { CallbackEvent } from '../../events/event-map.js';
import {
  LlmEndEvent,
  LlmErrorEvent,
  LlmRetryEvent,
  LlmStartEvent,
} from '../../events/llm.events.js';
import { comeBack, type Enter } from '../../runs/run-context.js';
import type { Run } from '../../runs/run.js';
import type { AnswerSchema } from '../../schema/answer-schema.js';
import type { LlmChunk, LlmRequest, LlmResponse, ProviderResult } from '../../types/llm.js';
import { callsApplication } from '../client-resolver.js';
import { serverOf } from '../client.js';
import type { LlmStreamOptions } from '../llm-options.js';
import type { LlmRetry } from '../llm-provider.js';
import { LLM_MEASURE } from './estimate.js';
import type { LlmTarget } from './metering.js';
import { type LlmRuntime, ModelCall, type ModelFailure, type ModelKind } from './model-call.js';
import { type Answer, cancelledAnswer, checkAnswer, checkResult, toResponse } from './response.js';

/** LLM calls, whole and streamed. */
const LLM_CALLS: ModelKind<LlmRequest, Answer, LlmResponse> = {
  name: 'llm',
  start: 'llm.start',
  interceptors: 'intercept.llm',
  measure: LLM_MEASURE,
  modelOf: ({ model }) => model,
  send: (provider, request, context) => provider.generate(request, context),
  checkResult,
  checkAnswer,
  toResponse,
};

/** The client and request of an LLM call, with its options. */
interface LlmCallSpec extends LlmTarget {
  readonly options: LlmStreamOptions;
  readonly streaming: boolean;
  /** The schema that the answer must match. */
  readonly schema: AnswerSchema | undefined;
}

/** One logical LLM call: from its start event, through its requests and chunks, to its one terminal event. */
export class LlmCall extends ModelCall<LlmRequest, Answer, LlmResponse> {
  #chunks = 0;
  readonly place: Enter | undefined;

  constructor(
    run: Run,
    override spec: LlmCallSpec,
    runtime: LlmRuntime,
  ) {
    super(run, LLM_CALLS, spec, runtime, spec.options.collect ?? true);
    if (spec.streaming && callsApplication(run, spec.client, LLM_CALLS.interceptors))
      this.place = comeBack();
  }

  protected newStartEvent(): LlmStartEvent {
    const { request, streaming } = this.spec;
    const estimate = () => this.meter.estimate(this.spec);
    const server = () => serverOf(this.spec.client);
    return new LlmStartEvent(this.run, { request, streaming, estimate, server });
  }

  protected newEndEvent(response: LlmResponse, sent: LlmTarget | undefined): CallbackEvent {
    return new LlmEndEvent(this.run, response, sent, this.meter.contextShare);
  }

  protected newErrorEvent(failure: ModelFailure, sent: LlmTarget | undefined): CallbackEvent {
    const { text } = this.meter.arrivals;
    return new LlmErrorEvent(this.run, { ...failure, text }, sent);
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
    this.meter.chunkAt(timestamp);
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

  /** @param object the answer as the value of the call's schema */
  override complete(
    outcome: Outcome<Answer>,
    object?: unknown,
  ): LlmResponse | Promise<LlmResponse> {
    if ('result' in outcome)
      return this.succeed(object === undefined ? outcome.result : { ...outcome.result, object });
    return this.isCancelled && !this.run.ended ? this.#succeedCancelled() : super.complete(outcome);
  }

  /** Completes a call whose consumer stopped reading with what has arrived. */
  #succeedCancelled(): LlmResponse | Promise<LlmResponse> {
    const { meter } = this;
    this.end();
    const model = meter.model ?? this.spec.request.model;
    const answer = cancelledAnswer(meter.arrivals.text, model, meter.total.usage);
    const sent = this.changedTarget;
    return this.succeed(sent ? { ...answer, provider: sent.client.label } : answer);
  }
}
