import { context, diag, logs, metrics, propagation, trace } from './api.js';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace-node';
import { Collector } from './collector.js';
import { type ExportedMetric, toExportedMetric } from './metrics.js';

/** An OpenTelemetry SDK of an application, registered globally, that exports to a collector of its own. */
export class Telemetry {
  private constructor(
    readonly collector: Collector,
    readonly tracerProvider: NodeTracerProvider,
    readonly loggerProvider: LoggerProvider,
    readonly meterProvider: MeterProvider,
  ) {}

  static async start(options: { sampler?: Sampler } = {}): Promise<Telemetry> {
    const collector = await Collector.listen();
    const { url } = collector;
    const tracerProvider = new NodeTracerProvider({
      ...options,
      spanProcessors: [
        new BatchSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` }), {
          maxQueueSize: 100_000,
        }),
      ],
    });
    const loggerProvider = new LoggerProvider({
      processors: [
        new BatchLogRecordProcessor({ exporter: new OTLPLogExporter({ url: `${url}/v1/logs` }) }),
      ],
    });
    tracerProvider.register({ contextManager: new AsyncLocalStorageContextManager() });
    logs.setGlobalLoggerProvider(loggerProvider);
    const meterProvider = new MeterProvider({
      readers: [
        new PeriodicExportingMetricReader({
          exporter: new OTLPMetricExporter({ url: `${url}/v1/metrics` }),
          // Only when a test asks.
          exportIntervalMillis: 3_600_000,
        }),
      ],
    });
    metrics.setGlobalMeterProvider(meterProvider);
    return new Telemetry(collector, tracerProvider, loggerProvider, meterProvider);
  }

  /** The spans so far, in the order of their starts. */
  async spans() {
    await this.tracerProvider.forceFlush();
    return this.collector.spans.toSorted((a, b) =>
      a.start < b.start ? -1 : a.start > b.start ? 1 : 0,
    );
  }

  /** The events so far. */
  async events() {
    await this.loggerProvider.forceFlush();
    return this.collector.events;
  }

  /** The series so far, by their metrics. */
  async metrics(): Promise<ExportedMetric[]> {
    await this.meterProvider.forceFlush();
    return this.collector.metrics.map(toExportedMetric);
  }

  async stop(): Promise<void> {
    await this.tracerProvider.shutdown();
    await this.loggerProvider.shutdown();
    await this.meterProvider.shutdown();
    for (const api of [trace, context, propagation, metrics, logs, diag]) api.disable();
    await this.collector.close();
  }
}
