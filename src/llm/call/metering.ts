import type { PriceBook } from '../../prices/price-book.js';
import { Totals } from '../../runs/traced-run.js';
import type {
  Attempt,
  ChunkGaps,
  LlmChunk,
  LlmEstimate,
  LlmRequest,
  ModelRequest,
} from '../../types/llm.js';
import type { ToolCall } from '../../types/message.js';
import { isCounted, isDoubted, NO_USAGE, toUsage, type Usage } from '../../types/usage.js';
import { Log } from '../../util/log.js';
import type { LlmClient } from '../client.js';
import type { LlmRetry } from '../llm-provider.js';
import {
  completeUsage,
  estimateTokens,
  estimateToolCalls,
  estimateUsage,
  type RequestMeasure,
} from './estimate.js';
import { ChunkPace, LimiterWaits, tokensPerSecond } from './pace.js';

/** Measures one call of any billable kind: its clock, its requests, and their total usage. */
export class CallMeter<Q extends ModelRequest> {
  #arrivals: ResponseAccumulator | undefined;
  readonly #requests: RequestMeter<Q>[] = [];
  #failure: { readonly error: Error; readonly at: number } | undefined;
  #retries = 0;
  #startedAt: number | undefined;
  #endedAt = 0;
  #pausedMs = 0;
  #pace: ChunkPace | undefined;
  #waits: LimiterWaits | undefined;

  constructor(
    private readonly prices: PriceBook,
    private readonly measure: RequestMeasure<Q>,
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

  /** The waits for limiters. */
  get waits(): LimiterWaits {
    this.#waits ??= new LimiterWaits();
    return this.#waits;
  }

  /** Records when a chunk of the call's stream arrived, in epoch milliseconds. */
  chunkAt(timestamp: number): void {
    this.#pace ??= new ChunkPace(timestamp);
    this.#pace.chunk(timestamp);
  }

  /** The most that a request can use. */
  estimate(target: ModelTarget<Q>): LlmEstimate {
    const outputTokens = this.measure.maxOutputTokens(target.request);
    const inputTokens = this.measure.maxInputTokens(target.request);
    const maxCost =
      outputTokens === undefined ? null : this.priceOf(target, { inputTokens, outputTokens });
    return { inputTokens, maxCost };
  }

  /** The fewest input tokens that a request can have. */
  minInputTokens(request: Q): number {
    return this.measure.minInputTokens(request);
  }

  /** The most output tokens that a request can use; `undefined` if it sets no limit. */
  maxOutputTokens(request: Q): number | undefined {
    return this.measure.maxOutputTokens(request);
  }

  /** US dollars, `null` when unknown. */
  priceOf(
    { client, request: { model } }: ModelTarget,
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
  open(target: ModelTarget<Q>): RequestMeter<Q> {
    const meter = new RequestMeter(target, this.prices, this.measure, this.collect);
    this.#requests.push(meter);
    this.prices.preload(target.client.label, target.request.model);
    return meter;
  }

  /** The number of the next retry, from 1. */
  nextRetry(): number {
    return ++this.#retries;
  }

  /** Records a failed request. */
  failed(meter: RequestMeter<Q>, error: Error): void {
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
  get lastTarget(): ModelTarget<Q> | undefined {
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

  get chunkGapsMs(): ChunkGaps | undefined {
    return this.#pace?.gaps;
  }

  get tokensPerSecond(): number | undefined {
    const { durationMs, timeToFirstChunkMs, chunkGapsMs } = this;
    const { usage } = this.total;
    const { hasReasoning } = this.arrivals;
    return tokensPerSecond({ usage, durationMs, timeToFirstChunkMs, chunkGapsMs, hasReasoning });
  }

  get limiterWaitMs(): number | undefined {
    return this.#waits?.until(this.#endedAt);
  }

  /** Computes how much of the context window of its model the last request fills; holds nothing of the call. */
  get contextShare(): (() => number | undefined) | undefined {
    const last = this.#requests.at(-1);
    if (last === undefined) return undefined;
    const { totalTokens } = last.spent.usage;
    const { client, request } = last.target;
    const { prices } = this;
    const asked = [client.label, last.model, request.model] as const;
    return () => {
      const window = totalTokens > 0 ? prices.contextWindow(...asked) : undefined;
      return window === undefined ? undefined : totalTokens / window;
    };
  }

  #since(from: number, to: number): number {
    return Math.max(0, to - from - this.#pausedMs);
  }
}

/** The attempts of several requests. */
export function attemptsOf(requests: readonly RequestSums[]): Attempt[] {
  return requests.length === 1 ? requests[0]!.attempts : requests.flatMap((one) => one.attempts);
}

/** The total usage and cost of several requests. */
export function sumOf(requests: readonly RequestSums[]): UsageAndCost {
  if (requests.length === 1) return requests[0]!.spent;
  if (requests.length === 0) return { usage: { ...NO_USAGE }, cost: 0 };
  const totals = new Totals();
  for (const { spent } of requests) totals.add(spent.usage, spent.cost);
  return totals;
}

/** What a request adds to the sums of its call. */
type RequestSums = Pick<RequestMeter<ModelRequest>, 'attempts' | 'spent'>;

/** The client to call and the request to send. */
export interface ModelTarget<Q extends ModelRequest = ModelRequest> {
  readonly client: LlmClient;
  readonly request: Q;
}

/** The client and request of an LLM call. */
export type LlmTarget = ModelTarget<LlmRequest>;

/** A complete answer as far as it is counted; `id`, `text` and `toolCalls` are absent for kinds without them. */
export interface ModelAnswer {
  /** Of the provider; `''` if it has none. */
  id?: string;
  /** The model that answered. */
  readonly model: string;
  readonly usage: Usage;
  readonly text?: string;
  readonly toolCalls?: readonly ToolCall[];
}

/** Usage, and its cost in US dollars; `null` when a price is not known. */
export interface UsageAndCost {
  readonly usage: Usage;
  readonly cost: number | null;
}

/** What has arrived of an answer. */
export class ResponseAccumulator {
  /** The text, if it is collected. */
  text = '';
  firstChunkAt: number | undefined;
  /** Whether chunks had the model's reasoning. */
  hasReasoning = false;
  #uncollectedTokens = 0;
  #callTokens = 0;
  /** The call whose name is counted; some servers repeat it with each piece. */
  #named = -1;

  constructor(private readonly collect: boolean) {}

  chunk(chunk: LlmChunk): void {
    this.firstChunkAt ??= performance.now();
    if (chunk.type === 'tool-call') this.#callPiece(chunk);
    else if (chunk.type === 'text' && this.collect) this.text += chunk.text;
    else this.#uncollected(chunk);
  }

  /** Approximate tokens, with `text` and `toolCalls` in place of what was collected. */
  tokens(text = this.text, toolCalls: readonly ToolCall[] = []): number {
    // A call counts, even without a name and arguments.
    const calls =
      toolCalls.length > 0 ? Math.max(1, estimateToolCalls(toolCalls)) : this.#callTokens;
    return this.#uncollectedTokens + estimateTokens(text) + calls;
  }

  #uncollected({ type, text }: Extract<LlmChunk, { type: 'text' | 'reasoning' }>): void {
    if (type === 'reasoning') this.hasReasoning = true;
    this.#uncollectedTokens += estimateTokens(text);
  }

  #callPiece({ index, name, argsDelta }: Extract<LlmChunk, { type: 'tool-call' }>): void {
    this.#callTokens += estimateTokens(argsDelta);
    if (!name || index === this.#named) return;
    this.#named = index;
    this.#callTokens += estimateTokens(name);
  }
}

/** Measures one request to a provider, including the SDK's own attempts. */
export class RequestMeter<Q extends ModelRequest> {
  readonly attempts: Attempt[] = [];
  readonly arrivals: ResponseAccumulator;
  /** The model that answers; until known, the requested one. */
  model: string;
  /** What the server has counted so far. */
  counted: Usage | undefined;
  /** What the servers below a provider of the application have counted, as observed layers see it. */
  countedBelow: Usage | undefined;
  #final: UsageAndCost | undefined;
  #attemptAt = performance.now();

  constructor(
    readonly target: ModelTarget<Q>,
    private readonly prices: PriceBook,
    private readonly measure: RequestMeasure<Q>,
    collect: boolean,
  ) {
    this.model = target.request.model;
    this.arrivals = new ResponseAccumulator(collect);
  }

  /** Whether the request has succeeded or failed. */
  get closed(): boolean {
    return this.#final !== undefined;
  }

  /** Its usage and cost: final, or so far. */
  get spent(): UsageAndCost {
    return this.#final ?? this.#priced(this.model, this.usageSoFar);
  }

  /** The approximate input of the request, for what its server does not count. */
  get inputTokens(): number {
    return this.measure.inputTokens(this.target.request);
  }

  /** The usage of a request that is cut short: none before anything arrived, otherwise counted or estimated. */
  get usageSoFar(): Usage {
    const { arrivals, countedBelow } = this;
    const counted =
      this.counted?.source === 'provider' ? this.counted : (countedBelow ?? this.counted);
    if (arrivals.firstChunkAt === undefined && counted === undefined) return { ...NO_USAGE };
    const written = arrivals.tokens();
    return counted?.source === 'provider' && this.#isUncounted(counted, written)
      ? completeUsage(this, written, counted)
      : estimateUsage(this, written, counted);
  }

  /** Records a retry by the SDK. */
  retried({ error, delayMs }: LlmRetry): void {
    const now = performance.now();
    const durationMs = Math.max(0, now - this.#attemptAt - delayMs);
    this.#attemptAt = now;
    const { client, request } = this.target;
    this.attempts.push({ provider: client.label, model: request.model, error, durationMs });
  }

  /** The usage of a complete answer: counts that the server did not report are estimated. */
  usageOf({ usage, text, toolCalls }: ModelAnswer): Usage {
    if (usage.source === 'provider' && usage.inputTokens > 0 && usage.outputTokens > 0)
      return usage;
    const written = this.arrivals.tokens(text, toolCalls);
    const { countedBelow } = this;
    const isUncounted = this.#isUncounted(usage, written);
    // The counts of a server are better than any estimate.
    if ((isUncounted || usage.source === 'estimated') && countedBelow?.source === 'provider')
      return countedBelow;
    if (!isUncounted) return usage;
    if (isDoubted(usage) || usage.source === 'provider') logDoubt(this.target.client);
    return isCounted(usage)
      ? completeUsage(this, written, usage)
      : estimateUsage(this, written, this.counted);
  }

  /** Records a complete answer. */
  answered(model: string, usage: Usage): UsageAndCost {
    // An answer that arrives late changes nothing.
    if (this.#final !== undefined) return this.#final;
    const { cost } = (this.#final = this.#priced(model, usage));
    const durationMs = performance.now() - this.#attemptAt;
    this.attempts.push({ provider: this.target.client.label, model, usage, cost, durationMs });
    return this.#final;
  }

  /**
   * Records that the request was cut short, by its consumer or, with an error, by a failure; its usage so far counts.
   */
  fail(error?: Error): void {
    if (this.#final !== undefined) return;
    if (error === undefined) {
      this.answered(this.model, this.usageSoFar);
      return;
    }
    const { usage, cost } = (this.#final = this.#priced(this.model, this.usageSoFar));
    const { client, request } = this.target;
    this.attempts.push({
      provider: client.label,
      model: request.model,
      error,
      ...(usage.totalTokens > 0 && { usage, cost }),
      durationMs: performance.now() - this.#attemptAt,
    });
  }

  /**
   * Whether a usage lacks counts that must be estimated. Servers send zeros for what they do not count, and an answer
   * with content always has tokens. The zeros of a provider that does not declare so are trusted.
   */
  #isUncounted(usage: Usage, written: number): boolean {
    if (this.target.client.provider.capabilities?.usage !== 'server') return !isCounted(usage);
    const hasZero = usage.inputTokens === 0 || usage.outputTokens === 0;
    return usage.source === 'estimated' || (hasZero && written > 0);
  }

  /** Priced by the model that answered, otherwise the requested one. */
  #priced(answered: string, usage: Usage): UsageAndCost {
    const { client, request } = this.target;
    return { usage, cost: this.prices.cost(client.label, answered, request.model, usage) };
  }
}

/** Logs once per client that its counts are implausible, without the counts and without anything of the call. */
function logDoubt(asked: LlmClient): void {
  const { label, origin: client = asked } = asked;
  if (client.isDoubtLogged) return;
  client.isDoubtLogged = true;
  new Log('Callbacks').warn(
    `The server of "${label}" sent token counts that cannot be right. They are not used: the usage and cost of such answers are estimated. This is logged once per client.`,
  );
}
