import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK } from '@opentelemetry/sdk-node';

/** Exports to `OTEL_EXPORTER_OTLP_ENDPOINT`. */
export function startTelemetry(): NodeSDK {
  const sdk = new NodeSDK({
    serviceName: 'support-desk',
    // The requests to providers, below the spans of their calls.
    instrumentations: [new UndiciInstrumentation()],
  });
  sdk.start();
  return sdk;
}
