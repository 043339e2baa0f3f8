import type { Attributes, Context, Span } from '@opentelemetry/api';
import type { CallbackEvent } from '../events/event-map.js';
import type { Content } from './options.js';

/** What is known about a run until it has ended; one for each instance and run. */
export class RunTelemetry {
  /** The start of the run in epoch milliseconds, as that of its span. */
  readonly startTime = Date.now();
  /** The same, by `performance.now()`. */
  readonly startedAt = performance.now();
  /** Absent without spans, and if an SDK makes the span of this run. */
  span: Span | undefined;
  /** Where the run works: the context with its span. */
  context: Context | undefined;
  /** What its span started with. */
  attributes: Attributes | undefined;
  /** What it started and ended with, if content is recorded; it is read and redacted once. */
  startContent: Content | undefined;
  endContent: Content | undefined;
  /** How long it took, in milliseconds, from before its start handlers; absent until it has ended. */
  durationMs: number | undefined;
  /** LLM calls that the run made itself, failed ones included; not those of nested agents. */
  inferenceCalls = 0;
  /** Tools that the run called itself; not those of nested agents. */
  toolCalls = 0;
  /** When the last chunk of its stream arrived, by `performance.now()`; only with metrics. */
  lastChunkAt: number | undefined;
  /** How long limiters made it wait, as far as they have said; only with metrics. */
  waitedMs = 0;
  /** What its metrics have from its start; only with metrics. */
  metricAttributes: Attributes | undefined;

  constructor(
    /** The start event. */
    readonly start: CallbackEvent,
    readonly parent: RunTelemetry | undefined,
  ) {}

  /** Whether a chain is around the run. */
  get isInChain(): boolean {
    for (let { parent } = this; parent !== undefined; parent = parent.parent)
      if (parent.start.type === 'chain.start') return true;
    return false;
  }

  /** The nearest agent around the run. */
  get agent(): RunTelemetry | undefined {
    let { parent } = this;
    while (parent !== undefined && parent.start.type !== 'agent.start') parent = parent.parent;
    return parent;
  }

  /** The end of the run, in epoch milliseconds. */
  get endTime(): number {
    return this.startTime + (this.durationMs ?? 0);
  }

  /** Stops the clock; its span and its metrics have the same duration. */
  end(): void {
    this.durationMs ??= performance.now() - this.startedAt;
  }
}

/** The runs that have not ended, by id. */
export class OpenTelemetryRuns {
  readonly #runs = new Map<string, RunTelemetry>();

  get size(): number {
    return this.#runs.size;
  }

  /** Begins with a start event. */
  start(event: CallbackEvent): RunTelemetry {
    const { runId, parentRunId } = event;
    const parent = parentRunId === undefined ? undefined : this.#runs.get(parentRunId);
    const run = new RunTelemetry(event, parent);
    this.#runs.set(runId, run);
    return run;
  }

  /** The run of an event. */
  of({ runId }: CallbackEvent): RunTelemetry | undefined {
    return this.#runs.get(runId);
  }

  /** Ends a run with its terminal event; it is forgotten. */
  end({ runId }: CallbackEvent): RunTelemetry | undefined {
    const run = this.#runs.get(runId);
    this.#runs.delete(runId);
    run?.end();
    return run;
  }
}
