// What an application has loaded of the packages that are slow to load: once it has started, and after each first use.
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const [, , folder] = process.argv;
const load = (file) => import(pathToFileURL(join(folder, file)).href);
const { CallbacksModule, LlmService, RetryInterceptor } = await load('index.js');
const { FakeLlm } = await load('testing/index.js');
const { cache } = createRequire(import.meta.url);

const SLOW = ['@opentelemetry/api', '@pydantic/genai-prices', 'ajv', 'cockatiel'];
const loaded = () =>
  SLOW.filter((name) => Object.keys(cache).some((file) => file.includes(`/node_modules/${name}/`)));

class AppModule {}
Module({
  imports: [
    CallbacksModule.forRoot({
      llm: { provider: new FakeLlm(Array.from({ length: 5 }, () => '{}')), model: 'own' },
      prices: { own: { inputPerMillion: 1, outputPerMillion: 1 } },
    }),
  ],
})(AppModule);
const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const llm = app.get(LlmService);

const steps = { started: loaded() };
await llm.generate('hi');
steps.called = loaded();
await llm.generate('hi', { model: 'gpt-5-mini' });
steps.priced = loaded();
await llm.generate('hi', { schema: { type: 'object' } });
steps.checked = loaded();
await llm.generate('hi', { callbacks: [new RetryInterceptor()] });
steps.retrying = loaded();
const { trace } = createRequire(import.meta.url)('@opentelemetry/api');
Object.keys(cache)
  .filter((file) => file.includes('@opentelemetry'))
  .forEach((file) => delete cache[file]);
trace.setGlobalTracerProvider({ getTracer: () => undefined });
await llm.generate('hi');
steps.traced = loaded();
await app.close();
process.send(steps);
process.disconnect();
