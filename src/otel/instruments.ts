import type { Attributes, Counter, Histogram, Meter, MetricOptions } from '@opentelemetry/api';
import { METRICS, namesOf, OWN_METRICS, type Semconv } from './names.js';

/** Buckets of durations, in seconds. */
const SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/** Buckets of agents' durations, in seconds. */
const AGENT_SECONDS = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6];
/** Buckets of workflows' durations, in seconds. */
const WORKFLOW_SECONDS = [1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200];
/** Buckets of handlers' durations, in seconds. */
const HANDLER_SECONDS = [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
/** Buckets of numbers of tokens. */
const TOKENS = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
  67_108_864,
];
/** Buckets of numbers of calls. */
const CALLS = [1, 2, 4, 8, 16, 32, 64, 128];

/** A histogram: its unit, its buckets and what it measures. */
type HistogramRow = readonly [unit: string, buckets: readonly number[], description: string];
/** A counter: its unit and what it counts. */
type CounterRow = readonly [unit: string, description: string];

/** The histograms of the convention. */
const HISTOGRAMS = {
  inferenceDuration: ['s', SECONDS, 'How long calls of models took.'],
  embeddingsDuration: ['s', SECONDS, 'How long calls of models took.'],
  operationDuration: ['s', SECONDS, 'How long calls of models took.'],
  timeToFirstChunk: ['s', SECONDS, 'How long streams took until their first chunk.'],
  timePerOutputChunk: ['s', SECONDS, 'The time between the chunks of streams.'],
  tokenUsage: ['{token}', TOKENS, 'The tokens of a call.'],
  operationInputTokens: ['{token}', TOKENS, 'The input tokens of a call.'],
  operationOutputTokens: ['{token}', TOKENS, 'The output tokens of a call.'],
  embeddingsInputTokens: ['{token}', TOKENS, 'The input tokens of a call for embeddings.'],
  agentDuration: ['s', AGENT_SECONDS, 'How long runs of agents took.'],
  agentInferenceCalls: ['{inference_call}', CALLS, 'The calls of models that an agent made.'],
  agentToolCalls: ['{tool_call}', CALLS, 'The calls of tools that an agent made.'],
  toolDuration: ['s', SECONDS, 'How long tools took.'],
  workflowDuration: ['s', WORKFLOW_SECONDS, 'How long chains took.'],
} as const satisfies Partial<Record<keyof typeof METRICS, HistogramRow>>;

/** The counters of the convention. */
const COUNTERS = {
  usageInputTokens: ['{token}', 'Input tokens, cached ones included.'],
  usageOutputTokens: ['{token}', 'Output tokens, reasoning included.'],
  usageCacheReadInputTokens: ['{token}', 'Input tokens that were read from a cache.'],
  usageCacheWriteInputTokens: ['{token}', 'Input tokens that were written to a cache.'],
  usageReasoningOutputTokens: ['{token}', 'Output tokens of reasoning.'],
} as const satisfies Partial<Record<keyof typeof METRICS, CounterRow>>;

/** The histograms of this package. */
const OWN_HISTOGRAMS = {
  limiterWait: ['s', SECONDS, 'How long limiters made calls wait.'],
  handlerDuration: ['s', HANDLER_SECONDS, 'How long handlers took.'],
} as const satisfies Partial<Record<keyof typeof OWN_METRICS, HistogramRow>>;

/** The counters of this package. */
const OWN_COUNTERS = {
  cost: ['{USD}', 'The cost of calls by a price list, in US dollars.'],
  limiterRejections: ['{call}', 'Calls that limiters rejected.'],
  handlerErrors: ['{error}', 'Handlers that failed.'],
} as const satisfies Partial<Record<keyof typeof OWN_METRICS, CounterRow>>;

/** The instruments of one meter, in the names of a version of the convention, or of both. */
export class Instruments {
  readonly #recorders = new Map<string, Recorder[]>();
  /** By name: some share theirs in v1.41. */
  readonly #histograms = new Map<string, Histogram>();

  constructor(
    private readonly meter: Meter,
    private readonly semconv: Semconv,
  ) {
    for (const [key, row] of entriesOf(HISTOGRAMS))
      this.#add(key, namesOf(METRICS[key], this.semconv), (name) => this.#histogram(name, row));
    for (const [key, row] of entriesOf(COUNTERS))
      this.#add(key, namesOf(METRICS[key], this.semconv), (name) => this.#counter(name, row));
    for (const [key, row] of entriesOf(OWN_HISTOGRAMS))
      this.#add(key, [OWN_METRICS[key]], (name) => this.#histogram(name, row));
    for (const [key, row] of entriesOf(OWN_COUNTERS))
      this.#add(key, [OWN_METRICS[key]], (name) => this.#counter(name, row));
  }

  /** Records a value, if there is one and the version has the metric. */
  record(metric: MetricKey, value: number | undefined, attributes: Attributes): void {
    if (value === undefined || !Number.isFinite(value) || value < 0) return;
    for (const recorder of this.#recorders.get(metric)!) recorder(value, attributes);
  }

  #add(key: string, names: readonly string[], create: (name: string) => Recorder): void {
    this.#recorders.set(key, names.map(create));
  }

  #histogram(name: string, [unit, explicitBucketBoundaries, description]: HistogramRow): Recorder {
    let histogram = this.#histograms.get(name);
    if (histogram === undefined) {
      const advice = { explicitBucketBoundaries: [...explicitBucketBoundaries] };
      histogram = this.meter.createHistogram(name, { unit, description, advice });
      this.#histograms.set(name, histogram);
    }
    return (value, attributes) => histogram.record(value, attributes);
  }

  #counter(name: string, [unit, description]: CounterRow): Recorder {
    const options: MetricOptions = { unit, description };
    const counter: Counter = this.meter.createCounter(name, options);
    return (value, attributes) => counter.add(value, attributes);
  }
}

/** What can be recorded. */
export type MetricKey =
  | keyof typeof HISTOGRAMS
  | keyof typeof COUNTERS
  | keyof typeof OWN_HISTOGRAMS
  | keyof typeof OWN_COUNTERS;

type Recorder = (value: number, attributes: Attributes) => void;

function entriesOf<T extends object>(table: T): [keyof T & string, T[keyof T]][] {
  return Object.entries(table) as [keyof T & string, T[keyof T]][];
}
