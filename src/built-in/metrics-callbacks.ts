import { Injectable } from '@nestjs/common';
import type { AgentEndEvent, AgentErrorEvent } from '../events/agent.events.js';
import type { EmbeddingEndEvent, EmbeddingErrorEvent } from '../events/embedding.events.js';
import {
  LimitKeyMissingError,
  LimitStoreUnavailableError,
  UnknownPriceError,
} from '../errors/callback-errors.js';
import { BudgetExceededError, RateLimitExceededError } from '../errors/callbacks-error.js';
import type { LlmEndEvent, LlmErrorEvent } from '../events/llm.events.js';
import type { ToolEndEvent, ToolErrorEvent } from '../events/tool.events.js';
import {
  OnAgentEnd,
  OnAgentError,
  OnEmbeddingEnd,
  OnEmbeddingError,
  OnLlmEnd,
  OnLlmError,
  OnToolEnd,
  OnToolError,
} from '../handlers/decorators.js';
import type { ChunkGaps } from '../types/llm.js';
import { brand } from '../util/brand.js';
import { BoundedTotals } from './cost-tracker.js';
import {
  Gaps,
  Latencies,
  type LatencySummary,
  Rates,
  type RateSummary,
  type WaitSummary,
} from './measurements.js';

/** How often something ran, and how long it took. */
export interface RunMetrics {
  /** Runs that ended, failed ones included. */
  count: number;
  /** Runs that failed or were aborted. */
  errors: number;
  /** Milliseconds. */
  latencyMs: LatencySummary;
}

/** The metrics of a model. */
export interface ModelMetrics extends RunMetrics {
  inputTokens: number;
  outputTokens: number;
  totalTokens: number;
  /** Output tokens a second, of calls that completed. */
  tokensPerSecond: RateSummary;
  /** Streams: milliseconds to the first chunk. */
  timeToFirstChunkMs: LatencySummary;
  /** Streams: the gaps between chunks, in milliseconds. */
  chunkGapsMs: ChunkGaps;
  /** The calls that limiters made wait, and how long each of them waited in all. */
  limiterWaitMs: WaitSummary;
  /** Calls that a limiter rejected; they are among the `errors`. */
  refused: number;
}

/** The measurements of a {@link MetricsCallbacks}, as plain JSON. */
export interface MetricsSummary {
  /** All LLM calls. */
  llm: ModelMetrics;
  /** All embeddings of texts. */
  embeddings: ModelMetrics;
  agents: RunMetrics;
  /** Executed calls; neither those that wait for approval nor those that were denied. */
  tools: RunMetrics;
  /** By requested model, of LLM calls and embeddings. */
  byModel: Record<string, ModelMetrics>;
  byTool: Record<string, RunMetrics>;
}
/** A value with the type's name, because compilers import the types in decorated signatures. */
export const MetricsSummary: object = Object;

/** Names come from callers and models, and each has a histogram. */
const MAX_KEYS = 200;

/** The errors of limiters. */
const REFUSALS = [
  BudgetExceededError,
  RateLimitExceededError,
  LimitStoreUnavailableError,
  LimitKeyMissingError,
  UnknownPriceError,
];

/** The sums for runs of one kind or name. */
class Measured {
  #count = 0;
  #errors = 0;
  readonly #latencies = new Latencies();

  record({ failed, durationMs }: RunOutcome): this {
    this.#count++;
    if (failed) this.#errors++;
    this.#latencies.record(durationMs);
    return this;
  }

  add(other: Measured): this {
    this.#count += other.#count;
    this.#errors += other.#errors;
    this.#latencies.add(other.#latencies);
    return this;
  }

  get metrics(): RunMetrics {
    return { count: this.#count, errors: this.#errors, latencyMs: this.#latencies.summary() };
  }
}

interface RunOutcome {
  readonly failed: boolean;
  readonly durationMs: number;
}

/** The sums for calls of one kind or model. */
class MeasuredModel extends Measured {
  #inputTokens = 0;
  #outputTokens = 0;
  #refused = 0;
  readonly #rates = new Rates();
  readonly #firstChunks = new Latencies();
  readonly #gaps = new Gaps();
  readonly #waits = new Gaps();

  recordCall(event: ModelCallEnd): this {
    const { usage, durationMs, limiterWaitMs } = event;
    const failed = 'error' in event;
    this.#inputTokens += usage.inputTokens;
    this.#outputTokens += usage.outputTokens;
    if (failed && REFUSALS.some((Refusal) => event.error instanceof Refusal)) this.#refused++;
    if (limiterWaitMs !== undefined)
      this.#waits.record({ count: 1, avg: limiterWaitMs, max: limiterWaitMs });
    if ('tokensPerSecond' in event && event.tokensPerSecond !== undefined)
      this.#rates.record(event.tokensPerSecond);
    if ('timeToFirstChunkMs' in event) this.#recordStream(event);
    return this.record({ failed, durationMs });
  }

  #recordStream({ timeToFirstChunkMs, chunkGapsMs }: LlmEndEvent | LlmErrorEvent): void {
    if (timeToFirstChunkMs !== undefined) this.#firstChunks.record(timeToFirstChunkMs);
    if (chunkGapsMs !== undefined) this.#gaps.record(chunkGapsMs);
  }

  override add(other: this): this {
    this.#inputTokens += other.#inputTokens;
    this.#outputTokens += other.#outputTokens;
    this.#refused += other.#refused;
    this.#rates.add(other.#rates);
    this.#firstChunks.add(other.#firstChunks);
    this.#gaps.add(other.#gaps);
    this.#waits.add(other.#waits);
    return super.add(other);
  }

  get modelMetrics(): ModelMetrics {
    return {
      ...this.metrics,
      inputTokens: this.#inputTokens,
      outputTokens: this.#outputTokens,
      totalTokens: this.#inputTokens + this.#outputTokens,
      tokensPerSecond: this.#rates.summary(),
      timeToFirstChunkMs: this.#firstChunks.summary(),
      chunkGapsMs: this.#gaps.summary(),
      limiterWaitMs: this.#waits.summary(),
      refused: this.#refused,
    };
  }
}

type ModelCallEnd = LlmEndEvent | LlmErrorEvent | EmbeddingEndEvent | EmbeddingErrorEvent;

/**
 * Counts runs, errors, refusals and tokens, and measures latencies, tokens a second and waits, by model and by tool, in bounded memory: names beyond 200 are
 * folded into `'other'`, least recently used first. List it under `providers` and inject it, or add
 * `new MetricsCallbacks()` to any `callbacks` list.
 *
 * @example
 * ```ts
 * const { llm, byTool } = app.get(MetricsCallbacks).summary();
 * console.log(llm.count, llm.latencyMs.p95, byTool);
 * ```
 */
@Injectable()
export class MetricsCallbacks {
  static {
    brand(this, 'class:MetricsCallbacks');
  }

  #llm = new MeasuredModel();
  #embeddings = new MeasuredModel();
  #agents = new Measured();
  #tools = new Measured();
  readonly #byModel = new BoundedTotals<MeasuredModel>(MAX_KEYS, (a, b) => a.add(b));
  readonly #byTool = new BoundedTotals<Measured>(MAX_KEYS, (a, b) => a.add(b));

  /** Returns the measurements since the start, or since {@link MetricsCallbacks.reset}. */
  summary(): MetricsSummary {
    return {
      llm: this.#llm.modelMetrics,
      embeddings: this.#embeddings.modelMetrics,
      agents: this.#agents.metrics,
      tools: this.#tools.metrics,
      byModel: entries(this.#byModel.map, (measured) => measured.modelMetrics),
      byTool: entries(this.#byTool.map, (measured) => measured.metrics),
    };
  }

  /**
   * The same as {@link MetricsCallbacks.summary}, for `JSON.stringify` and controllers that return the instance itself.
   */
  toJSON(): MetricsSummary {
    return this.summary();
  }

  /** Resets all measurements. */
  reset(): void {
    this.#llm = new MeasuredModel();
    this.#embeddings = new MeasuredModel();
    this.#agents = new Measured();
    this.#tools = new Measured();
    this.#byModel.clear();
    this.#byTool.clear();
  }

  @OnLlmEnd({ contextFree: true })
  @OnLlmError({ contextFree: true })
  protected measureCall(event: LlmEndEvent | LlmErrorEvent): void {
    this.#measureModel(this.#llm, event);
  }

  @OnEmbeddingEnd({ contextFree: true })
  @OnEmbeddingError({ contextFree: true })
  protected measureEmbedding(event: EmbeddingEndEvent | EmbeddingErrorEvent): void {
    this.#measureModel(this.#embeddings, event);
  }

  #measureModel(ofKind: MeasuredModel, event: ModelCallEnd): void {
    const { model = 'unknown' } = event;
    ofKind.recordCall(event);
    this.#byModel.update(model, (measured = new MeasuredModel()) => measured.recordCall(event));
  }

  @OnAgentEnd({ contextFree: true })
  @OnAgentError({ contextFree: true })
  protected measureAgent(event: AgentEndEvent | AgentErrorEvent): void {
    const { type, durationMs } = event;
    this.#agents.record({ failed: type === 'agent.error', durationMs });
  }

  @OnToolEnd({ contextFree: true })
  @OnToolError({ contextFree: true })
  protected measureTool(event: ToolEndEvent | ToolErrorEvent): void {
    // The tool was not called: the call waits, or a person denied it.
    const { approval } = event;
    if (approval?.status === 'denied') return;
    if (event.type === 'tool.end' && approval?.status === 'pending') return;
    const outcome = { failed: event.type === 'tool.error', durationMs: event.durationMs };
    this.#tools.record(outcome);
    this.#byTool.update(event.toolName, (measured = new Measured()) => measured.record(outcome));
  }
}

function entries<M, T>(map: ReadonlyMap<string, M>, read: (measured: M) => T): Record<string, T> {
  return Object.fromEntries([...map].map(([key, measured]) => [key, read(measured)]));
}
