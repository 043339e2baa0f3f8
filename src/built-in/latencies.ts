import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

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
export class Latencies {
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
