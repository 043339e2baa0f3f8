import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Milliseconds. */
export interface LatencySummary {
  avg: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** Something a second; all are 0 before anything was measured. */
export interface RateSummary {
  /** The mean of the calls. */
  avg: number;
  /** Half of the calls were slower. */
  p50: number;
  /** The slowest call. */
  min: number;
  max: number;
}

/** Waits in milliseconds. */
export interface WaitSummary {
  /** Calls that had to wait. */
  count: number;
  /** The mean of these. */
  avg: number;
  max: number;
}

/** Two significant digits, so that a histogram stays at about 25 KiB whatever is recorded. */
const FIGURES = 2;

/** Numbers in constant memory; percentiles are accurate to one percent. */
class Numbers {
  #histogram: RecordableHistogram | undefined;

  /**
   * @param unit the steps of a recorded number, as a fraction of 1
   * @param highest larger numbers count as this one
   */
  constructor(
    private readonly unit: number,
    private readonly highest: number,
  ) {}

  record(value: number): void {
    // Created with the first number: most models and tools do not have all numbers.
    this.#histogram ??= createHistogram({ highest: this.highest, figures: FIGURES });
    const steps = Math.round(value * this.unit);
    this.#histogram.record(Math.min(Math.max(steps, 1), this.highest));
  }

  /** Adds the numbers of another instance. */
  add(other: Numbers): void {
    const theirs = other.#histogram;
    if (theirs === undefined) return;
    this.#histogram ??= createHistogram({ highest: this.highest, figures: FIGURES });
    this.#histogram.add(theirs);
  }

  protected read(pick: (histogram: RecordableHistogram) => number): number {
    const histogram = this.#histogram;
    return histogram === undefined ? 0 : pick(histogram) / this.unit;
  }

  protected percentile(percentile: number): number {
    return this.read((histogram) => histogram.percentile(percentile));
  }
}

const US_PER_MS = 1_000;
/** One hour; longer durations count as one hour. */
const MAX_US = 3_600_000_000;

/** Durations in milliseconds. */
export class Latencies extends Numbers {
  constructor() {
    super(US_PER_MS, MAX_US);
  }

  summary(): LatencySummary {
    return {
      avg: this.read(({ mean }) => mean),
      p50: this.percentile(50),
      p95: this.percentile(95),
      p99: this.percentile(99),
      max: this.read(({ max }) => max),
    };
  }
}

const STEPS_PER_TOKEN = 100;
/** A million tokens a second. */
const MAX_STEPS = 100_000_000;

/** Tokens a second. */
export class Rates extends Numbers {
  constructor() {
    super(STEPS_PER_TOKEN, MAX_STEPS);
  }

  summary(): RateSummary {
    return {
      avg: this.read(({ mean }) => mean),
      p50: this.percentile(50),
      min: this.read(({ min }) => min),
      max: this.read(({ max }) => max),
    };
  }
}

/** A count, with the mean and the maximum of what was counted, in milliseconds. */
export class Gaps {
  #count = 0;
  #sum = 0;
  #max = 0;

  record({ count, avg, max }: WaitSummary): void {
    this.#count += count;
    this.#sum += avg * count;
    this.#max = Math.max(this.#max, max);
  }

  add(other: Gaps): void {
    this.record(other.summary());
  }

  summary(): WaitSummary {
    return {
      count: this.#count,
      avg: this.#count === 0 ? 0 : this.#sum / this.#count,
      max: this.#max,
    };
  }
}
