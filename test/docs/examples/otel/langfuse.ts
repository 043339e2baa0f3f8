import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';

// #region langfuse
export function langfuseExporter(url: string, publicKey: string, secretKey: string) {
  const keys = Buffer.from(`${publicKey}:${secretKey}`).toString('base64');
  return new OTLPTraceExporter({
    url: `${url}/api/public/otel/v1/traces`, // url: https://cloud.langfuse.com
    headers: { Authorization: `Basic ${keys}`, 'x-langfuse-ingestion-version': '4' },
  });
}
// #endregion
