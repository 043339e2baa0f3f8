import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { Injectable } from '@nestjs/common';
import type { AgentEndEvent, AgentErrorEvent } from '../events/agent.events.js';
import type { EmbeddingEndEvent, EmbeddingErrorEvent } from '../events/embedding.events.js';
import type { LlmEndEvent, LlmErrorEvent, ModelTerminalEvent } from '../events/llm.events.js';
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
import { brand } from '../util/brand.js';
import { BoundedTotals } from './cost-tracker.js';

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

/** The sums for runs of one kind or name. */
class Measured {
  count = 0;
  errors = 0;
  inputTokens = 0;
  outputTokens = 0;
  readonly latencies = new Latencies();

  record({ failed, durationMs, inputTokens = 0, outputTokens = 0 }: RunOutcome): this {
    this.count++;
    if (failed) this.errors++;
    this.inputTokens += inputTokens;
    this.outputTokens += outputTokens;
    this.latencies.record(durationMs);
    return this;
  }

  add(other: Measured): this {
    this.count += other.count;
    this.errors += other.errors;
    this.inputTokens += other.inputTokens;
    this.outputTokens += other.outputTokens;
    this.latencies.add(other.latencies);
    return this;
  }

  get metrics(): RunMetrics {
    return { count: this.count, errors: this.errors, latencyMs: this.latencies.summary() };
  }

  get modelMetrics(): ModelMetrics {
    const { inputTokens, outputTokens } = this;
    return { ...this.metrics, inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
  }
}

interface RunOutcome {
  readonly failed: boolean;
  readonly durationMs: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

/**
 * Counts runs, errors and tokens, and measures latencies, by model and by tool, in bounded memory: names beyond 200 are
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

  #llm = new Measured();
  #embeddings = new Measured();
  #agents = new Measured();
  #tools = new Measured();
  readonly #byModel = new BoundedTotals<Measured>(MAX_KEYS, (a, b) => a.add(b));
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
    this.#llm = new Measured();
    this.#embeddings = new Measured();
    this.#agents = new Measured();
    this.#tools = new Measured();
    this.#byModel.clear();
    this.#byTool.clear();
  }

  @OnLlmEnd({ contextFree: true })
  @OnLlmError({ contextFree: true })
  protected measureCall(event: LlmEndEvent | LlmErrorEvent): void {
    this.#measureModel(this.#llm, event, event.type === 'llm.error');
  }

  @OnEmbeddingEnd({ contextFree: true })
  @OnEmbeddingError({ contextFree: true })
  protected measureEmbedding(event: EmbeddingEndEvent | EmbeddingErrorEvent): void {
    this.#measureModel(this.#embeddings, event, event.type === 'embedding.error');
  }

  #measureModel(ofKind: Measured, event: ModelTerminalEvent, failed: boolean): void {
    const { usage, durationMs, model = 'unknown' } = event;
    const { inputTokens, outputTokens } = usage;
    const outcome = { failed, durationMs, inputTokens, outputTokens };
    ofKind.record(outcome);
    this.#byModel.update(model, (measured = new Measured()) => measured.record(outcome));
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

function entries<T>(
  map: ReadonlyMap<string, Measured>,
  read: (measured: Measured) => T,
): Record<string, T> {
  return Object.fromEntries([...map].map(([key, measured]) => [key, read(measured)]));
}

/** Milliseconds. */
export interface LatencySummary {
  avg: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

const US_PER_MS = 1_000;
/** One hour; longer durations count as one hour. */
const MAX_US = 3_600_000_000;
/** Two significant digits, so that a histogram stays at about 25 KiB whatever is recorded. */
const FIGURES = 2;

/** Durations in constant memory; percentiles are accurate to one percent. */
class Latencies {
  readonly #histogram: RecordableHistogram = createHistogram({ highest: MAX_US, figures: FIGURES });

  record(durationMs: number): void {
    const us = Math.round(durationMs * US_PER_MS);
    this.#histogram.record(Math.min(Math.max(us, 1), MAX_US));
  }

  /** Adds the durations of another instance. */
  add(other: Latencies): void {
    this.#histogram.add(other.#histogram);
  }

  summary(): LatencySummary {
    const { count, mean, max } = this.#histogram;
    const at = (percentile: number) =>
      count === 0 ? 0 : this.#histogram.percentile(percentile) / US_PER_MS;
    return {
      avg: count === 0 ? 0 : mean / US_PER_MS,
      p50: at(50),
      p95: at(95),
      p99: at(99),
      max: count === 0 ? 0 : max / US_PER_MS,
    };
  }
}
