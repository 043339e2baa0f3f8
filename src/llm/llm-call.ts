import { CallbacksError, LlmAbortedError, LlmServerError } from '../errors/index.js';
import {
  LlmEndEvent,
  LlmErrorEvent,
  LlmRetryEvent,
  LlmStartEvent,
  LlmStreamChunkEvent,
} from '../events/index.js';
import type { OpenRun, Run } from '../run/index.js';
import type { LlmChunk, LlmResponse, ProviderResult } from '../shapes/index.js';
import { CallMeter } from './call-meter.js';
import type { LlmCallSpec, LlmRuntime } from './call-spec.js';
import { defer, type Deferred } from './deferred.js';
import { CallStops, type Stoppable } from './call-stops.js';
import type { LlmProviderContext, LlmRetry } from './llm-provider.js';

/** One logical call: from its start event, through its provider's tries and chunks, to its one terminal event. */
export class LlmCall implements OpenRun, Stoppable {
  /** What the provider gets besides the request. */
  readonly context: LlmProviderContext;
  readonly #meter: CallMeter;
  readonly #stops: CallStops;
  readonly #hearsChunks: boolean;
  #closed: Deferred<void> | undefined;
  #cancelled = false;
  #chunks = 0;

  constructor(
    readonly run: Run,
    readonly spec: LlmCallSpec,
    private readonly runtime: LlmRuntime,
  ) {
    const { collect = true, signal, timeoutMs } = spec.options;
    this.#meter = new CallMeter(spec, runtime.prices, collect);
    this.#stops = new CallStops({ timeoutMs, signal, clientLeft: run.context.signal }, this);
    this.context = {
      signal: run.signal,
      collect,
      onRetry: (retry) => this.#onRetry(retry),
      onUsage: (usage) => void (this.#meter.counted = usage),
      onModel: (model) => void (this.#meter.model = model),
    };
    this.#hearsChunks = run.handlers['llm.chunk'].length > 0;
  }

  /** Whether the reader stopped reading; the call then ends well, where an abort ends it in an error. */
  get cancelled(): boolean {
    return this.#cancelled;
  }

  get closed(): Promise<void> {
    this.#closed ??= defer();
    if (!this.runtime.openRuns.has(this)) this.#closed.resolve();
    return this.#closed.promise;
  }

  /**
   * Opens the run and tells its start; fails with what a critical handler threw, or with why it was aborted. What is
   * returned is to be awaited.
   */
  begin(): void | Promise<void> {
    this.runtime.openRuns.add(this);
    this.#stops.watch();
    // Needed at the end, and before for hooks that ask what the call may cost.
    const loading = this.runtime.prices.load();
    const isHeard = this.run.handlers['llm.start'].length > 0;
    const telling = loading && isHeard ? loading.then(() => this.#tellStart()) : this.#tellStart();
    if (telling !== undefined) return telling.then(() => this.#sending());
    this.#sending();
  }

  #tellStart(): void | Promise<void> {
    const { request, streaming } = this.spec;
    const estimate = () => this.#meter.estimate;
    const event = new LlmStartEvent(this.run, { request, streaming, estimate });
    return this.runtime.dispatcher.tell(event, this.run);
  }

  #sending(): void {
    if (this.run.aborted) throw this.run.reason as Error;
    this.#meter.sent();
  }

  /** Stops the call; the first reason stays, and becomes the error. */
  abort(reason: Error): void {
    if (!this.run.ended) this.run.abort(reason);
  }

  /** Notes that the reader stopped reading. */
  cancel(): void {
    if (this.run.ended || this.run.aborted) return;
    this.#cancelled = true;
    this.run.abort(new LlmAbortedError('The reader of the stream stopped reading.'));
  }

  leave(cause: unknown): void {
    if (this.spec.streaming) this.cancel();
    else
      this.abort(
        new LlmAbortedError('The call was aborted because the client of the request left.', {
          cause,
        }),
      );
  }

  #onRetry(retry: LlmRetry): void {
    if (this.run.ended) return;
    const attempt = this.#meter.failed(retry);
    // Never awaited: the try that it tells of has begun, and the SDK's own clock is running.
    void this.runtime.dispatcher.tell(new LlmRetryEvent(this.run, { attempt, ...retry }), this.run);
  }

  /** Tells a chunk that arrived at `timestamp`; what is returned is to be awaited before the chunk is handed over. */
  chunk(chunk: LlmChunk, timestamp: number): void | Promise<void> {
    this.#meter.chunk(chunk);
    const index = this.#chunks++;
    if (!this.#hearsChunks) return undefined;
    const event = new LlmStreamChunkEvent(this.run, chunk, index, timestamp);
    return this.runtime.dispatcher.tell(event, this.run);
  }

  /** What the provider threw, as an error of our tree. */
  providerError(thrown: unknown): Error {
    if (thrown instanceof CallbacksError) return thrown;
    const { label } = this.spec.client;
    return new LlmServerError(`The provider "${label}" failed; its own error is the cause.`, {
      cause: thrown,
    });
  }

  /** Ends the run well; fails with what a critical end handler threw. */
  async succeed(result: ProviderResult): Promise<LlmResponse> {
    const meter = this.#meter;
    this.#finish();
    const isCounted = result.usage.source === 'provider' || result.usage.totalTokens > 0;
    const usage = isCounted ? result.usage : meter.estimated(result.text);
    const loading = meter.prepareCost(usage);
    if (loading !== undefined) await loading;
    const cost = meter.cost(result.model, usage);
    meter.answered(result.model, usage, cost);
    // Field by field: on Node 20, what follows a spread costs more than all the rest of the call's end.
    const response: LlmResponse = {
      id: result.id,
      provider: this.spec.client.label,
      model: result.model,
      text: result.text,
      message: result.message,
      toolCalls: result.toolCalls,
      finishReason: result.finishReason,
      usage,
      cost,
      durationMs: meter.durationMs,
      attempts: meter.attempts,
    };
    const { timeToFirstChunkMs } = meter;
    if (timeToFirstChunkMs !== undefined) response.timeToFirstChunkMs = timeToFirstChunkMs;
    if (result.raw !== undefined) response.raw = result.raw;
    const telling = this.#tellLast(new LlmEndEvent(this.run, response));
    if (telling !== undefined) await telling;
    return response;
  }

  /** Ends the run as its reader left it. */
  endCancelled(): Promise<LlmResponse> {
    const { text, model, usageSoFar: usage } = this.#meter;
    const message = { role: 'assistant' as const, content: text };
    return this.succeed({
      id: '',
      model,
      text,
      message,
      toolCalls: [],
      finishReason: 'cancelled',
      usage,
    });
  }

  /** Ends the run in its error event, unless it ended before. Returns what the caller gets: the first cause. */
  async fail(thrown: unknown): Promise<Error> {
    if (this.run.ended) return thrown as Error;
    const error = (this.run.aborted ? this.run.reason : thrown) as Error;
    const meter = this.#meter;
    this.#finish();
    // Stops what the provider and the handlers still do for it.
    this.run.abort(error);
    const { text, model, usageSoFar: usage, durationMs, attempts } = meter;
    await meter.prepareCost(usage);
    const cost = meter.cost(model, usage);
    meter.brokeOff(error, usage, cost);
    const aborted = error instanceof LlmAbortedError;
    await this.#tellLast(
      new LlmErrorEvent(this.run, { error, text, usage, cost, aborted, durationMs, attempts }),
    );
    return error;
  }

  #tellLast(event: LlmEndEvent | LlmErrorEvent): void | Promise<void> {
    let telling: void | Promise<void> = undefined;
    try {
      telling = this.runtime.dispatcher.tell(event, this.run);
      return telling?.finally(() => this.#close());
    } finally {
      if (telling === undefined) this.#close();
    }
  }

  #close(): void {
    this.runtime.openRuns.delete(this);
    this.#closed?.resolve();
  }

  /** Claims the terminal event; from here on nothing can stop the call. */
  #finish(): void {
    this.run.end();
    this.#stops.unwatch();
    this.#meter.stop();
  }
}
