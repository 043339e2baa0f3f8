import type { PriceBook } from '../../prices/price-book.js';
import { Totals } from '../../runs/totals.js';
import { NO_USAGE, toUsage, type Usage } from '../../types/usage.js';
import type { Attempt, LlmEstimate } from '../../types/llm.js';
import { maxInputTokens } from './estimate.js';
import {
  ResponseAccumulator,
  RequestMeter,
  type LlmTarget,
  type UsageAndCost,
} from './request-meter.js';

/** Measures one call: its clock, its requests, and their total usage. */
export class CallMeter {
  #arrivals: ResponseAccumulator | undefined;
  readonly #requests: RequestMeter[] = [];
  #failure: { readonly error: Error; readonly at: number } | undefined;
  #retries = 0;
  #startedAt: number | undefined;
  #endedAt = 0;
  #pausedMs = 0;

  constructor(
    private readonly prices: PriceBook,
    private readonly collect: boolean,
  ) {}

  /** What has arrived of the call's answer: from its only request, or from what interceptors built from several. */
  get arrivals(): ResponseAccumulator {
    this.#arrivals ??= new ResponseAccumulator(this.collect);
    return this.#arrivals;
  }

  set arrivals(those: ResponseAccumulator) {
    this.#arrivals = those;
  }

  start(): void {
    this.#startedAt = performance.now();
  }

  stop(): void {
    this.#endedAt = performance.now();
  }

  /** Excludes a number of milliseconds from the call's duration. */
  paused(ms: number): void {
    this.#pausedMs += ms;
  }

  /** The most that a request can use; needs the price list to be loaded. */
  estimate(target: LlmTarget): LlmEstimate {
    const { maxOutputTokens: outputTokens } = target.request;
    const inputTokens = maxInputTokens(target.request);
    const maxCost =
      outputTokens === undefined ? null : this.priceOf(target, { inputTokens, outputTokens });
    return { inputTokens, maxCost };
  }

  /** US dollars, `null` when unknown; needs the price list to be loaded. */
  priceOf(
    { client, request: { model } }: LlmTarget,
    tokens: Pick<Usage, 'inputTokens' | 'outputTokens'>,
  ): number | null {
    return this.prices.cost(
      client.label,
      model,
      model,
      toUsage({ ...tokens, source: 'estimated' }),
    );
  }

  /** Registers a request that is sent to its provider now. */
  open(target: LlmTarget): RequestMeter {
    const meter = new RequestMeter(target, this.prices, this.collect);
    this.#requests.push(meter);
    return meter;
  }

  /** The number of the next retry, from 1. */
  nextRetry(): number {
    return ++this.#retries;
  }

  /** Records a failed request. */
  failed(meter: RequestMeter, error: Error): void {
    if (meter.closed) return;
    meter.fail(error);
    this.#failure = { error, at: performance.now() };
  }

  /** The failure that precedes the next request; returned once. */
  takeFailure(): { readonly error: Error; readonly delayMs: number } | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure && { error: failure.error, delayMs: performance.now() - failure.at };
  }

  /** Records that the last answer does not match; its usage still counts. */
  rejectAttempt(error: Error): void {
    const attempt = this.#requests.at(-1)?.attempts.at(-1);
    if (attempt !== undefined) attempt.error ??= error;
  }

  /** Closes requests still in progress: cut short by the consumer, or by the error that the call ends with. */
  closeAll(error?: Error): void {
    for (const meter of this.#requests) meter.fail(error);
  }

  /** The client and request of the last request sent; `undefined` if none was sent. */
  get lastTarget(): LlmTarget | undefined {
    return this.#requests.at(-1)?.target;
  }

  /** The model that answers, as far as known. */
  get model(): string | undefined {
    return this.#requests.at(-1)?.model;
  }

  /** The attempts of all requests, in the order of the requests. */
  get attempts(): Attempt[] {
    return attemptsOf(this.#requests);
  }

  /** The usage and cost of all requests so far. */
  get total(): UsageAndCost {
    return sumOf(this.#requests);
  }

  /** Milliseconds from the dispatch of the start event until the clock stopped, without pauses. */
  get durationMs(): number {
    return this.#startedAt === undefined ? 0 : this.#since(this.#startedAt, this.#endedAt);
  }

  get timeToFirstChunkMs(): number | undefined {
    const { firstChunkAt } = this.arrivals;
    return firstChunkAt === undefined ? undefined : this.#since(this.#startedAt!, firstChunkAt);
  }

  /** To be awaited before costs are read. */
  prepareCost(): Promise<void> | undefined {
    return this.#requests.length > 0 ? this.prices.load() : undefined;
  }

  #since(from: number, to: number): number {
    return Math.max(0, to - from - this.#pausedMs);
  }
}

/** The attempts of several requests. */
export function attemptsOf(requests: readonly RequestMeter[]): Attempt[] {
  return requests.length === 1 ? requests[0]!.attempts : requests.flatMap((one) => one.attempts);
}

/** The total usage and cost of several requests. */
export function sumOf(requests: readonly RequestMeter[]): UsageAndCost {
  if (requests.length === 1) return requests[0]!.spent;
  if (requests.length === 0) return { usage: { ...NO_USAGE }, cost: 0 };
  const totals = new Totals();
  for (const { spent } of requests) totals.add(spent.usage, spent.cost);
  return totals;
}
