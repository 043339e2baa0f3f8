import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OnApplicationShutdown } from '@nestjs/common';
import { context, trace } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { type IMetricReader, MeterProvider } from '@opentelemetry/sdk-metrics';
import type { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { OpenTelemetryCallbacks } from 'nestjs-llm-callbacks/otel';

/** How long an export may take, so that the desk closes soon if no collector answers. */
const EXPORT_MS = 2_000;

/** What a collector gets, and where it is. */
interface Export {
  readonly reader: IMetricReader;
  readonly tracerProvider: NodeTracerProvider;
  readonly host: string;
}

/**
 * Metrics for `GET /metrics`. Where `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector, that gets metrics and traces as well.
 */
export class DeskTelemetry implements OnApplicationShutdown {
  readonly callbacks: OpenTelemetryCallbacks;
  readonly #scraper = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  readonly #meterProvider: MeterProvider;
  readonly #exported: Export | undefined;

  private constructor(service: string, exported?: Export) {
    const readers = exported === undefined ? [] : [exported.reader];
    this.#meterProvider = new MeterProvider({
      resource: resourceOf(service),
      readers: [this.#scraper, ...readers],
    });
    this.#exported = exported;
    // Makes the span of a call the active one in the code that it runs, for instance in tools.
    exported?.tracerProvider.register();
    this.callbacks = new OpenTelemetryCallbacks({
      meterProvider: this.#meterProvider,
      traces: exported !== undefined,
    });
  }

  /** Without a collector. */
  static local(service = 'support-desk'): DeskTelemetry {
    return new DeskTelemetry(service);
  }

  static async open(env: NodeJS.ProcessEnv = process.env): Promise<DeskTelemetry> {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: service } = env;
    if (!endpoint) return DeskTelemetry.local(service);
    if (!/^https?:\/\/./.test(endpoint) || !URL.canParse(endpoint))
      throw new Error('OTEL_EXPORTER_OTLP_ENDPOINT must be like http://127.0.0.1:4318.');
    return new DeskTelemetry(service || 'support-desk', await exportTo(endpoint, service));
  }

  /** One line for the terminal; nothing without a collector. */
  describe(): string | undefined {
    return this.#exported && `Traces and metrics are sent to ${this.#exported.host}.`;
  }

  /** Answers Prometheus. */
  scrape(request: IncomingMessage, response: ServerResponse): void {
    this.#scraper.getMetricsRequestHandler(request, response);
  }

  /** Runs after the library has let its runs end; sends what is left. */
  async onApplicationShutdown(): Promise<void> {
    await this.#meterProvider.shutdown();
    if (this.#exported === undefined) return;
    await this.#exported.tracerProvider.shutdown();
    trace.disable();
    context.disable();
  }
}

function resourceOf(service: string | undefined) {
  return defaultResource().merge(
    resourceFromAttributes({ 'service.name': service || 'support-desk' }),
  );
}

/** Loaded only if there is a collector, because that takes a while. */
async function exportTo(endpoint: string, service: string | undefined): Promise<Export> {
  const base = endpoint.replace(/\/+$/, '');
  const to = (signal: string) => ({ url: `${base}/v1/${signal}`, timeoutMillis: EXPORT_MS });
  const [{ OTLPMetricExporter }, { OTLPTraceExporter }, metrics, traces] = await Promise.all([
    import('@opentelemetry/exporter-metrics-otlp-http'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/sdk-trace-node'),
  ]);
  const exporter = new OTLPMetricExporter(to('metrics'));
  return {
    host: new URL(endpoint).host,
    reader: new metrics.PeriodicExportingMetricReader({ exporter }),
    tracerProvider: new traces.NodeTracerProvider({
      resource: resourceOf(service),
      spanProcessors: [new traces.BatchSpanProcessor(new OTLPTraceExporter(to('traces')))],
    }),
  };
}
