import { Log } from '../../util/log.js';
import type { PriceBook } from '../../prices/price-book.js';
import { isDoubted, NO_USAGE, type Usage } from '../../types/usage.js';
import type { Attempt, LlmChunk, LlmRequest, ProviderResult } from '../../types/llm.js';
import type { ToolCall } from '../../types/message.js';
import { completeUsage, estimateTokens, estimateToolCalls, estimateUsage } from './estimate.js';
import type { LlmClient } from '../llm-client.js';
import type { LlmRetry } from '../llm-provider.js';
import { SdkProvider } from '../providers/shared/sdk-provider.js';

/** The client to call and the request to send. */
export interface LlmTarget {
  readonly client: LlmClient;
  readonly request: LlmRequest;
}

/** Usage, and its cost in US dollars; `null` when a price is not known. */
export interface UsageAndCost {
  readonly usage: Usage;
  readonly cost: number | null;
}

/** Whether the usage was counted: by the server, or by a provider with its own estimate. */
function isCounted(usage: Usage): boolean {
  return usage.source === 'provider' || usage.totalTokens > 0;
}

/** What has arrived of an answer. */
export class ResponseAccumulator {
  /** The text, if it is collected. */
  text = '';
  firstChunkAt: number | undefined;
  #uncollectedTokens = 0;
  #callTokens = 0;
  /** The call whose name is counted; some servers repeat it with each piece. */
  #named = -1;

  constructor(private readonly collect: boolean) {}

  chunk(chunk: LlmChunk): void {
    this.firstChunkAt ??= performance.now();
    if (chunk.type === 'tool-call') this.#callPiece(chunk);
    else if (chunk.type === 'text' && this.collect) this.text += chunk.text;
    else this.#uncollectedTokens += estimateTokens(chunk.text);
  }

  /** Approximate tokens, with `text` and `toolCalls` in place of what was collected. */
  tokens(text = this.text, toolCalls: readonly ToolCall[] = []): number {
    // A call counts, even without a name and arguments.
    const calls =
      toolCalls.length > 0 ? Math.max(1, estimateToolCalls(toolCalls)) : this.#callTokens;
    return this.#uncollectedTokens + estimateTokens(text) + calls;
  }

  #callPiece({ index, name, argsDelta }: Extract<LlmChunk, { type: 'tool-call' }>): void {
    this.#callTokens += estimateTokens(argsDelta);
    if (!name || index === this.#named) return;
    this.#named = index;
    this.#callTokens += estimateTokens(name);
  }
}

/** Measures one request to a provider, including the SDK's own attempts. */
export class RequestMeter {
  readonly attempts: Attempt[] = [];
  readonly arrivals: ResponseAccumulator;
  /** The model that answers; until known, the requested one. */
  model: string;
  /** What the server has counted so far. */
  counted: Usage | undefined;
  #final: UsageAndCost | undefined;
  #attemptAt = performance.now();

  constructor(
    readonly target: LlmTarget,
    private readonly prices: PriceBook,
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

  /** The usage of a request that is cut short: none before anything arrived, otherwise counted or estimated. */
  get usageSoFar(): Usage {
    const { arrivals, counted, target } = this;
    if (arrivals.firstChunkAt === undefined && counted === undefined) return { ...NO_USAGE };
    const written = arrivals.tokens();
    return counted?.source === 'provider' && this.#isUncounted(counted, written)
      ? completeUsage(target.request, written, counted)
      : estimateUsage(target.request, written, counted);
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
  usageOf({ usage, text, toolCalls }: ProviderResult): Usage {
    if (usage.source === 'provider' && usage.inputTokens > 0 && usage.outputTokens > 0)
      return usage;
    const written = this.arrivals.tokens(text, toolCalls);
    if (!this.#isUncounted(usage, written)) return usage;
    if (isDoubted(usage) || usage.source === 'provider') logDoubt(this.target.client);
    const { request } = this.target;
    return isCounted(usage)
      ? completeUsage(request, written, usage)
      : estimateUsage(request, written, this.counted);
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
   * with content always has tokens; a custom provider's zeros are trusted.
   */
  #isUncounted(usage: Usage, written: number): boolean {
    if (!(this.target.client.provider instanceof SdkProvider)) return !isCounted(usage);
    const hasZero = usage.inputTokens === 0 || usage.outputTokens === 0;
    return usage.source === 'estimated' || (hasZero && written > 0);
  }

  /** Priced by the model that answered, otherwise the requested one; needs the price list to be loaded. */
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
