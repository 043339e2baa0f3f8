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

/** Measures one call: its clock, its requests, and what they have used together. */
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

  /** What has arrived of the call's answer: of its only request, or of what interceptors made of several. */
  get arrivals(): ResponseAccumulator {
    this.#arrivals ??= new ResponseAccumulator(this.collect);
    return this.#arrivals;
  }

  set arrivals(those: ResponseAccumulator) {
    this.#arrivals = those;
  }

  /** Starts the clock. */
  start(): void {
    this.#startedAt = performance.now();
  }

  /** Stops the clock. */
  stop(): void {
    this.#endedAt = performance.now();
  }

  /** Leaves so many milliseconds out of the call's duration. */
  paused(ms: number): void {
    this.#pausedMs += ms;
  }

  /** What a request can use at most; needs the price list to be loaded. */
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

  /** A request that goes to its provider now. */
  open(target: LlmTarget): RequestMeter {
    const meter = new RequestMeter(target, this.prices, this.collect);
    this.#requests.push(meter);
    return meter;
  }

  /** The number of a try that is made again, from 1. */
  nextRetry(): number {
    return ++this.#retries;
  }

  /** Notes a request that failed. */
  failed(meter: RequestMeter, error: Error): void {
    if (meter.closed) return;
    meter.fail(error);
    this.#failure = { error, at: performance.now() };
  }

  /** The failure that another request follows, once. */
  takeFailure(): { readonly error: Error; readonly delayMs: number } | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure && { error: failure.error, delayMs: performance.now() - failure.at };
  }

  /** Notes that the last answer does not fit; what it has used counts nevertheless. */
  rejectAttempt(error: Error): void {
    const attempt = this.#requests.at(-1)?.attempts.at(-1);
    if (attempt !== undefined) attempt.error ??= error;
  }

  /** Ends what is still under way: cut short by the reader, or by the error that the call ends with. */
  closeAll(error?: Error): void {
    for (const meter of this.#requests) meter.fail(error);
  }

  /** Who was really asked for what, the last time; `undefined` where nobody was. */
  get lastTarget(): LlmTarget | undefined {
    return this.#requests.at(-1)?.target;
  }

  /** The model that answers, as far as it is known. */
  get model(): string | undefined {
    return this.#requests.at(-1)?.model;
  }

  /** The tries of all requests, in the order of the requests. */
  get attempts(): Attempt[] {
    return attemptsOf(this.#requests);
  }

  /** What all requests have used until now. */
  get total(): UsageAndCost {
    return sumOf(this.#requests);
  }

  /** Milliseconds from when the start was told to when the clock was stopped, without pauses. */
  get durationMs(): number {
    return this.#startedAt === undefined ? 0 : this.#since(this.#startedAt, this.#endedAt);
  }

  get timeToFirstChunkMs(): number | undefined {
    const { firstChunkAt } = this.arrivals;
    return firstChunkAt === undefined ? undefined : this.#since(this.#startedAt!, firstChunkAt);
  }

  /** What is to be awaited before costs are asked for. */
  prepareCost(): Promise<void> | undefined {
    return this.#requests.length > 0 ? this.prices.load() : undefined;
  }

  #since(from: number, to: number): number {
    return Math.max(0, to - from - this.#pausedMs);
  }
}

/** The tries of several requests. */
export function attemptsOf(requests: readonly RequestMeter[]): Attempt[] {
  return requests.length === 1 ? requests[0]!.attempts : requests.flatMap((one) => one.attempts);
}

/** What several requests have used together. */
export function sumOf(requests: readonly RequestMeter[]): UsageAndCost {
  if (requests.length === 1) return requests[0]!.spent;
  if (requests.length === 0) return { usage: { ...NO_USAGE }, cost: 0 };
  const totals = new Totals();
  for (const { spent } of requests) totals.add(spent.usage, spent.cost);
  return totals;
}
