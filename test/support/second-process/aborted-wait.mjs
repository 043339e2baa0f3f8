// Calls that are aborted while an SDK waits for an hour to retry: their process must still exit.
import 'reflect-metadata';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import OpenAI from 'openai';

const [, , folder] = process.argv;
const { CallbacksModule, LlmService } = await import(pathToFileURL(join(folder, 'index.js')).href);

/** Answers with an error; the SDK cancels its body when it decides to retry. */
let onCancel;
const fetch = async () => {
  const body = new ReadableStream({ cancel: () => void setImmediate(() => onCancel()) });
  return new Response(body, { status: 429, headers: { 'retry-after': '3600' } });
};
const options = { apiKey: 'test', baseURL: 'http://memory.test', fetch, logLevel: 'off' };
const clients = [
  { provider: 'openai', model: 'm', client: new OpenAI(options) },
  { provider: 'openai', api: 'responses', model: 'm', client: new OpenAI(options) },
  { provider: 'anthropic', model: 'm', client: new Anthropic(options) },
];
const ways = [
  (llm, signal) => llm.generate('hi', { signal }),
  (llm, signal) => llm.stream('hi', { signal }).response,
];
const names = [];
for (const llmOptions of clients) {
  class AppModule {}
  Module({ imports: [CallbacksModule.forRoot({ llm: llmOptions })] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  for (const way of ways) {
    const aborter = new AbortController();
    onCancel = () => aborter.abort();
    await way(app.get(LlmService), aborter.signal).catch(({ name }) => names.push(name));
  }
  await app.close();
}
process.send(names);
process.disconnect();
