import type { PriceBook } from '../prices/index.js';
import { Totals } from '../run/index.js';
import {
  NO_USAGE,
  toUsage,
  type Attempt,
  type LlmChunk,
  type LlmEstimate,
  type LlmRequest,
  type ProviderResult,
  type Usage,
} from '../shapes/index.js';
import { estimateTokens, estimateUsage, maxInputTokens } from './estimate.js';
import type { LlmCallSpec } from './call-spec.js';
import type { LlmRetry } from './llm-provider.js';

/** What was used, and what it cost in US dollars; `null` when a price is not known. */
type Spent = Pick<Totals, 'usage' | 'cost'>;

/** Whether somebody counted: the server, or a provider that estimates by itself. */
export function isCounted(usage: Usage): boolean {
  return usage.source === 'provider' || usage.totalTokens > 0;
}

/** Measures one call: its clocks, tries, tokens and cost. */
export class CallMeter {
  readonly attempts: Attempt[] = [];
  /** The model that answers; until that is known, the requested one. */
  model: string;
  /** What the server has counted so far. */
  counted: Usage | undefined;
  /** The text that has arrived, where it is collected. */
  text = '';
  /** Of all tries, once the last one is noted. */
  total: Spent = { usage: NO_USAGE, cost: 0 };
  /** Of the answers in whose place another was asked for. */
  #unfit: Totals | undefined;
  #request: LlmRequest;
  #retries = 0;
  #sentAt: number | undefined;
  #attemptAt = 0;
  #endedAt = 0;
  #firstChunkAt: number | undefined;
  #uncollectedTokens = 0;

  constructor(
    private readonly spec: LlmCallSpec,
    private readonly prices: PriceBook,
    private readonly collect: boolean,
  ) {
    this.#request = spec.request;
    this.model = spec.request.model;
  }

  /** What the call can use at most; needs the price list to be loaded. */
  get estimate(): LlmEstimate {
    const { client, request } = this.spec;
    const { model, maxOutputTokens: outputTokens } = request;
    const inputTokens = maxInputTokens(request);
    if (outputTokens === undefined) return { inputTokens, maxCost: null };
    const most = toUsage({ inputTokens, outputTokens, source: 'estimated' });
    return { inputTokens, maxCost: this.prices.cost(client.label, model, model, most) };
  }

  /** Notes that the request goes to the provider now. */
  sent(): void {
    this.#sentAt = this.#attemptAt = performance.now();
  }

  /** Notes a try that is made again; returns the number of the retry, from 1. */
  failed({ error, delayMs }: LlmRetry): number {
    const now = performance.now();
    const durationMs = Math.max(0, now - this.#attemptAt - delayMs);
    this.#attemptAt = now;
    const { label: provider } = this.spec.client;
    this.attempts.push({ provider, model: this.spec.request.model, error, durationMs });
    return ++this.#retries;
  }

  /** Notes a whole answer, which may turn out not to fit. */
  arrived({ text, model, usage }: ProviderResult): void {
    this.text = text;
    this.model = model;
    if (this.counted === undefined || isCounted(usage)) this.counted = usage;
  }

  /** Notes an answer that does not fit; from here on the one to `request` is measured. */
  unfit(error: Error, usage: Usage, cost: number | null, request: LlmRequest): void {
    const now = performance.now();
    const { label: provider } = this.spec.client;
    const durationMs = now - this.#attemptAt;
    this.attempts.push({ provider, model: this.model, error, usage, cost, durationMs });
    this.#unfit ??= new Totals();
    this.#unfit.add(usage, cost);
    this.#attemptAt = now;
    this.#request = request;
    this.model = request.model;
    this.counted = undefined;
  }

  /** Notes the try that answered. */
  answered(model: string, usage: Usage, cost: number | null): void {
    this.#spend(usage, cost);
    if (this.#sentAt === undefined) return;
    const { label: provider } = this.spec.client;
    this.attempts.push({
      provider,
      model,
      usage,
      cost,
      durationMs: this.#endedAt - this.#attemptAt,
    });
  }

  /** Notes the try that the call failed with, and what was used by then. */
  brokeOff(error: Error, usage: Usage, cost: number | null): void {
    this.#spend(usage, cost);
    if (this.#sentAt === undefined) return;
    const { label: provider } = this.spec.client;
    const { model } = this.spec.request;
    const spent = usage.totalTokens > 0 ? { usage, cost } : {};
    this.attempts.push({
      provider,
      model,
      error,
      ...spent,
      durationMs: this.#endedAt - this.#attemptAt,
    });
  }

  #spend(usage: Usage, cost: number | null): void {
    this.#unfit?.add(usage, cost);
    this.total = this.#unfit ?? { usage, cost };
  }

  chunk(chunk: LlmChunk): void {
    this.#firstChunkAt ??= performance.now();
    if (chunk.type === 'tool-call') this.#uncollectedTokens += estimateTokens(chunk.argsDelta);
    else if (chunk.type === 'text' && this.collect) this.text += chunk.text;
    else this.#uncollectedTokens += estimateTokens(chunk.text);
  }

  /** Stops the clocks. */
  stop(): void {
    this.#endedAt = performance.now();
  }

  /** Milliseconds from when the request was sent to when the clocks were stopped. */
  get durationMs(): number {
    return this.#sentAt === undefined ? 0 : this.#endedAt - this.#sentAt;
  }

  get timeToFirstChunkMs(): number | undefined {
    return this.#firstChunkAt === undefined ? undefined : this.#firstChunkAt - this.#sentAt!;
  }

  /** The usage of a call that was cut short: nothing before anything arrived, else counted or estimated. */
  get usageSoFar(): Usage {
    return this.#firstChunkAt === undefined && this.counted === undefined
      ? { ...NO_USAGE }
      : this.estimated(this.text);
  }

  /** The usage of an answer that its server did not count. */
  estimated(text: string): Usage {
    return estimateUsage(
      this.#request,
      this.#uncollectedTokens + estimateTokens(text),
      this.counted,
    );
  }

  /** What is to be awaited before {@link CallMeter.cost} is asked. */
  prepareCost(usage: Usage): Promise<void> | undefined {
    return usage.totalTokens > 0 ? this.prices.load() : undefined;
  }

  /** US dollars, `null` when unknown; by the model that answered, else the requested one. */
  cost(answered: string, usage: Usage): number | null {
    const { client, request } = this.spec;
    return this.prices.cost(client.label, answered, request.model, usage);
  }
}
