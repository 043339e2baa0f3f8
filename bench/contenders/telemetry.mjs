// OpenTelemetry as an application has it, except that what is exported goes nowhere: spans in batches, metrics by a reader.
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const SUCCESS = { code: 0 };
/** Aggregation temporality: cumulative. */
const CUMULATIVE = 1;

/** What is measured beside the library alone. */
export const TELEMETRY = { traces: ['traces'], metrics: ['metrics'], both: ['traces', 'metrics'] };

/** The callbacks of `nestjs-llm-callbacks/otel`, and what they have exported. */
export async function startTelemetry(kind) {
  const parts = TELEMETRY[kind];
  const { OpenTelemetryCallbacks } = await import(
    new URL('./otel.js', process.env.BENCH_LIBRARY).href
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = new CountingExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  const meterProvider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: new CountingExporter() })],
  });
  const callbacks = new OpenTelemetryCallbacks({
    traces: parts.includes('traces'),
    metrics: parts.includes('metrics'),
    content: 'none',
    tracerProvider,
    meterProvider,
  });
  return {
    callbacks,
    /** Spans must have been made if they are asked for. */
    async check() {
      await tracerProvider.forceFlush();
      if (exporter.count > 0 !== parts.includes('traces'))
        throw new Error(`${exporter.count} spans were exported with ${kind}.`);
    },
    async close() {
      await tracerProvider.shutdown();
      await meterProvider.shutdown();
      context.disable();
    },
  };
}

class CountingExporter {
  count = 0;

  export(batch, done) {
    this.count += batch.length ?? 0;
    done(SUCCESS);
  }

  selectAggregationTemporality() {
    return CUMULATIVE;
  }

  async forceFlush() {}

  async shutdown() {}
}
