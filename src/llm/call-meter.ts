import type { PriceBook } from '../prices/index.js';
import {
  NO_USAGE,
  toUsage,
  type Attempt,
  type LlmChunk,
  type LlmEstimate,
  type Usage,
} from '../shapes/index.js';
import { estimateTokens, estimateUsage, maxInputTokens } from './estimate.js';
import type { LlmCallSpec } from './call-spec.js';
import type { LlmRetry } from './llm-provider.js';

/** Measures one call: its clocks, tries, tokens and cost. */
export class CallMeter {
  readonly attempts: Attempt[] = [];
  /** The model that answers; until that is known, the requested one. */
  model: string;
  /** What the server has counted so far. */
  counted: Usage | undefined;
  /** The text that has arrived, where it is collected. */
  text = '';
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

  /** Notes a try that is made again; returns its number, from 1. */
  failed({ error, delayMs }: LlmRetry): number {
    const now = performance.now();
    const durationMs = Math.max(0, now - this.#attemptAt - delayMs);
    this.#attemptAt = now;
    const { label: provider } = this.spec.client;
    return this.attempts.push({ provider, model: this.spec.request.model, error, durationMs });
  }

  /** Notes the try that answered. */
  answered(model: string, usage: Usage, cost: number | null): void {
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
      this.spec.request,
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
