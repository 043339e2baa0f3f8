import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { LlmService } from 'nestjs-llm-callbacks';
import { OpenTelemetryCallbacks } from 'nestjs-llm-callbacks/otel';
import { Collector } from '../support/otel/collector.js';
import { context, propagation, trace } from '../support/otel/api.js';
import { AppModule, withContent } from './examples/otel/app.module.js';
import { langfuseExporter } from './examples/otel/langfuse.js';
import { newSdk, sampler } from './examples/otel/sampling.js';
import { startTelemetry } from './examples/otel/telemetry.js';
import { around, closeAll, start } from './start.js';

const VARIABLES = {
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
};

let collector: Collector;
beforeEach(async () => {
  collector = await Collector.listen();
  Object.assign(process.env, VARIABLES, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
});
afterEach(async () => {
  await closeAll();
  for (const name of [...Object.keys(VARIABLES), 'OTEL_EXPORTER_OTLP_ENDPOINT'])
    delete process.env[name];
  for (const api of [trace, context, propagation]) api.disable();
  await collector.close();
});

describe('The examples of OpenTelemetry', () => {
  it('export spans of calls over OTLP', async () => {
    const sdk = startTelemetry();
    const app = await start({ imports: [around(['Hello.'], { callbacks: [withContent] })] });
    await app.get(LlmService).generate('Hi');
    await sdk.shutdown();
    expect(collector.spans.map(({ name }) => name)).toContain('chat fake');
    const [span] = collector.spans.filter(({ scope }) => scope.name === 'nestjs-llm-callbacks');
    expect(span!.attributes['gen_ai.output.messages']).toContain('Hello.');
  });

  it('have a module with the callbacks', async () => {
    const app = await start({ imports: [AppModule] });
    expect(app.get(LlmService)).toBeInstanceOf(LlmService);
  });

  it('sample one trace in ten', async () => {
    expect(sampler.toString()).toContain('TraceIdRatioBased{0.1}');
    const sdk = newSdk();
    sdk.start();
    await sdk.shutdown();
  });

  it('export to Langfuse', async () => {
    const provider = new NodeTracerProvider({
      spanProcessors: [new BatchSpanProcessor(langfuseExporter(collector.url, 'pk-lf-1', 'sk-2'))],
    });
    const callbacks = new OpenTelemetryCallbacks({ tracerProvider: provider });
    const app = await start({ imports: [around(['Hello.'], { callbacks: [callbacks] })] });
    await app.get(LlmService).generate('Hi');
    await provider.shutdown();
    expect(collector.spans).toHaveLength(1);
    expect(collector.requests[0]).toMatchObject({
      path: '/api/public/otel/v1/traces',
      headers: { authorization: 'Basic cGstbGYtMTpzay0y', 'x-langfuse-ingestion-version': '4' },
    });
  });
});
