// The package beside `@opentelemetry/instrumentation-openai`, in a process of CommonJS: prints the spans of two calls.
require('reflect-metadata');
const { trace, context } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { OpenAIInstrumentation } = require('@opentelemetry/instrumentation-openai');
const {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} = require('@opentelemetry/sdk-trace-node');

const [, , folder, origin] = process.argv;
const exporter = new InMemorySpanExporter();
const tracerProvider = new NodeTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(exporter)],
});
tracerProvider.register({ contextManager: new AsyncLocalStorageContextManager() });
registerInstrumentations({ instrumentations: [new OpenAIInstrumentation()], tracerProvider });

const { OpenAI } = require('openai');
const { Module } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');

async function main() {
  const library = await import(`${folder}/index.js`);
  const { OpenTelemetryCallbacks } = await import(`${folder}/otel/index.js`);
  const { CallbacksModule, CallbacksService, LlmService } = library;
  const newClient = () => new OpenAI({ apiKey: 'test', baseURL: `${origin}/v1`, maxRetries: 0 });
  class AppModule {}
  Module({
    imports: [
      CallbacksModule.forRoot({
        llm: { provider: 'openai', model: 'gpt-4o-mini', client: newClient() },
        callbacks: [new OpenTelemetryCallbacks()],
      }),
    ],
  })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  await app.get(LlmService).generate('Hi');
  const observed = app.get(CallbacksService).observe(newClient());
  await observed.chat.completions.create({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'Hi' }],
  });
  await app.close();
  const spans = exporter.getFinishedSpans().map((span) => ({
    scope: span.instrumentationScope.name,
    name: span.name,
    spanId: span.spanContext().spanId,
    parentSpanId: span.parentSpanContext?.spanId,
  }));
  process.stdout.write(JSON.stringify(spans));
  trace.disable();
  context.disable();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
