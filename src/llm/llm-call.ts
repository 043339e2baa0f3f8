import { CallbacksError, LlmAbortedError, LlmServerError } from '../errors/index.js';
import {
  LlmEndEvent,
  LlmErrorEvent,
  LlmRetryEvent,
  LlmStartEvent,
  LlmStreamChunkEvent,
} from '../events/index.js';
import { RunLife, RunStops, type Run, type Stoppable } from '../run/index.js';
import type { LlmChunk, LlmRequest, LlmResponse, ProviderResult } from '../shapes/index.js';
import { CallMeter, isCounted } from './call-meter.js';
import type { LlmCallSpec, LlmRuntime } from './call-spec.js';
import type { LlmProviderContext, LlmRetry } from './llm-provider.js';
import { toResponse } from './provider-result.js';

/** One logical call: from its start event, through its provider's tries and chunks, to its one terminal event. */
export class LlmCall extends RunLife implements Stoppable {
  /** What the provider gets besides the request. */
  readonly context: LlmProviderContext;
  readonly #meter: CallMeter;
  readonly #stops: RunStops;
  readonly #hearsChunks: boolean;
  #cancelled = false;
  #chunks = 0;

  constructor(
    run: Run,
    readonly spec: LlmCallSpec,
    protected override readonly runtime: LlmRuntime,
  ) {
    super(run, runtime);
    const { collect = true, signal, timeoutMs } = spec.options;
    this.#meter = new CallMeter(spec, runtime.prices, collect);
    this.#stops = new RunStops({ timeoutMs, signal, clientLeft: run.context.signal }, this, 'call');
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

  /**
   * Opens the run and tells its start; fails with what a critical handler threw, or with why it was aborted. What is
   * returned is to be awaited.
   */
  begin(): void | Promise<void> {
    this.open();
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
    return this.tell(event);
  }

  #sending(): void {
    if (this.run.aborted) throw this.run.reason as Error;
    this.#meter.sent();
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
    void this.tell(new LlmRetryEvent(this.run, { attempt, ...retry }));
  }

  /** Tells a chunk that arrived at `timestamp`; what is returned is to be awaited before the chunk is handed over. */
  chunk(chunk: LlmChunk, timestamp: number): void | Promise<void> {
    this.#meter.chunk(chunk);
    const index = this.#chunks++;
    if (!this.#hearsChunks) return undefined;
    const event = new LlmStreamChunkEvent(this.run, chunk, index, timestamp);
    return this.tell(event);
  }

  /** What the provider threw, as an error of our tree. */
  providerError(thrown: unknown): Error {
    if (thrown instanceof CallbacksError) return thrown;
    const { label } = this.spec.client;
    return new LlmServerError(`The provider "${label}" failed; its own error is the cause.`, {
      cause: thrown,
    });
  }

  /** Notes a whole answer that is still to be checked, so that it is billed if the call ends meanwhile. */
  arrived(result: ProviderResult): void {
    this.#meter.arrived(result);
  }

  /** Counts the answer that arrived as a try that failed, before `request` is sent; fails if the call was aborted. */
  async askAgain(request: LlmRequest, error: Error): Promise<void> {
    const meter = this.#meter;
    const { model, usageSoFar: usage } = meter;
    await meter.prepareCost(usage);
    if (this.run.aborted) throw this.run.reason as Error;
    meter.unfit(error, usage, meter.cost(model, usage), request);
  }

  /** Ends the run well; fails with what a critical end handler threw. */
  async succeed(result: ProviderResult, object?: unknown): Promise<LlmResponse> {
    const meter = this.#meter;
    this.#finish();
    const usage = isCounted(result.usage) ? result.usage : meter.estimated(result.text);
    const loading = meter.prepareCost(usage);
    if (loading !== undefined) await loading;
    meter.answered(result.model, usage, meter.cost(result.model, usage));
    this.run.spend(meter.total.usage, meter.total.cost);
    const response = toResponse(result, this.spec.client.label, meter, object);
    const telling = this.tellLast(new LlmEndEvent(this.run, response));
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
    const { text, model, usageSoFar, durationMs, attempts } = meter;
    await meter.prepareCost(usageSoFar);
    meter.brokeOff(error, usageSoFar, meter.cost(model, usageSoFar));
    const { usage, cost } = meter.total;
    this.run.spend(usage, cost);
    const aborted = error instanceof LlmAbortedError;
    await this.tellLast(
      new LlmErrorEvent(this.run, { error, text, usage, cost, aborted, durationMs, attempts }),
    );
    return error;
  }

  /** Ends the run as it was stopped: well, where its reader left; else it rejects with the first cause. */
  async breakOff(thrown: unknown): Promise<LlmResponse> {
    if (this.cancelled && !this.run.ended) return this.endCancelled();
    throw await this.fail(thrown);
  }

  /** Claims the terminal event; from here on nothing can stop the call. */
  #finish(): void {
    this.run.end();
    this.#stops.unwatch();
    this.#meter.stop();
  }
}
