import type { PriceBook } from '../prices/index.js';
import {
  NO_USAGE,
  type Attempt,
  type LlmChunk,
  type LlmRequest,
  type ProviderResult,
  type Usage,
} from '../shapes/index.js';
import { estimateTokens, estimateUsage } from './estimate.js';
import type { LlmClient } from './llm-client.js';
import type { LlmRetry } from './llm-provider.js';

/** Who is asked for what. */
export interface LlmTarget {
  readonly client: LlmClient;
  readonly request: LlmRequest;
}

/** What was used, and what it cost in US dollars; `null` when a price is not known. */
export interface Spent {
  readonly usage: Usage;
  readonly cost: number | null;
}

/** Whether somebody counted: the server, or a provider that estimates by itself. */
export function isCounted(usage: Usage): boolean {
  return usage.source === 'provider' || usage.totalTokens > 0;
}

/** What has arrived of an answer. */
export class Arrivals {
  /** The text, where it is collected. */
  text = '';
  firstChunkAt: number | undefined;
  #uncollectedTokens = 0;

  constructor(private readonly collect: boolean) {}

  chunk(chunk: LlmChunk): void {
    this.firstChunkAt ??= performance.now();
    if (chunk.type === 'tool-call') this.#uncollectedTokens += estimateTokens(chunk.argsDelta);
    else if (chunk.type === 'text' && this.collect) this.text += chunk.text;
    else this.#uncollectedTokens += estimateTokens(chunk.text);
  }

  /** Tokens, roughly, with `text` in place of what was collected. */
  tokens(text = this.text): number {
    return this.#uncollectedTokens + estimateTokens(text);
  }
}

/** Measures one request to a provider, with the SDK's own tries. */
export class RequestMeter {
  readonly attempts: Attempt[] = [];
  readonly arrivals: Arrivals;
  /** The model that answers; until that is known, the requested one. */
  model: string;
  /** What the server has counted so far. */
  counted: Usage | undefined;
  #final: Spent | undefined;
  #attemptAt = performance.now();

  constructor(
    readonly target: LlmTarget,
    private readonly prices: PriceBook,
    collect: boolean,
  ) {
    this.model = target.request.model;
    this.arrivals = new Arrivals(collect);
  }

  /** Whether it came out, one way or the other. */
  get closed(): boolean {
    return this.#final !== undefined;
  }

  /** What it has used: in the end, or until now. */
  get spent(): Spent {
    return this.#final ?? this.#priced(this.model, this.usageSoFar);
  }

  /** The usage of a request that is cut short: nothing before anything arrived, else counted or estimated. */
  get usageSoFar(): Usage {
    return this.arrivals.firstChunkAt === undefined && this.counted === undefined
      ? { ...NO_USAGE }
      : this.#estimated();
  }

  /** Notes a try of the SDK's that is made again. */
  retried({ error, delayMs }: LlmRetry): void {
    const now = performance.now();
    const durationMs = Math.max(0, now - this.#attemptAt - delayMs);
    this.#attemptAt = now;
    const { client, request } = this.target;
    this.attempts.push({ provider: client.label, model: request.model, error, durationMs });
  }

  /** The usage of a whole answer. */
  usageOf({ usage, text }: ProviderResult): Usage {
    return isCounted(usage) ? usage : this.#estimated(text);
  }

  /** Notes a whole answer. */
  answered(model: string, usage: Usage): Spent {
    // An answer that comes after all changes nothing.
    if (this.#final !== undefined) return this.#final;
    const { cost } = (this.#final = this.#priced(model, usage));
    const durationMs = performance.now() - this.#attemptAt;
    this.attempts.push({ provider: this.target.client.label, model, usage, cost, durationMs });
    return this.#final;
  }

  /** Notes that it was cut short, by its reader or, with an error, by a failure; what was used by then counts. */
  brokeOff(error?: Error): void {
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

  #estimated(text?: string): Usage {
    return estimateUsage(this.target.request, this.arrivals.tokens(text), this.counted);
  }

  /** By the model that answered, else the requested one; needs the price list to be loaded. */
  #priced(answered: string, usage: Usage): Spent {
    const { client, request } = this.target;
    return { usage, cost: this.prices.cost(client.label, answered, request.model, usage) };
  }
}
