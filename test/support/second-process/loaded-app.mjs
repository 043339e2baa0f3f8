// An application under load that receives SIGTERM: it writes, line by line, the events of its callbacks, and how long
// it lived after the signal.
import './turn-clock.mjs';
import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const [, , folder, settings] = process.argv;
const { calls, drainMs } = JSON.parse(settings);
const { AgentService, CallbacksModule, CallbacksService, LlmService, defineTool } = await import(
  pathToFileURL(join(folder, 'index.js')).href
);

// It exits with the test at the latest.
process.once('disconnect', () => process.exit());

const say = (...words) => writeSync(1, `${words.join(' ')}\n`);

/** Answers at once, after a while, or never. */
let asked = 0;
const answer = async ({ signal }) => {
  const kind = asked++ % 3;
  if (kind === 1) await delay(30, undefined, { signal });
  if (kind === 2) await new Promise((_, reject) => signal.addEventListener('abort', reject));
};
const result = (text) => ({ text, usage: { inputTokens: 1, outputTokens: 1 } });
const toolCalls = [{ id: '1', name: 'stubborn', args: {}, argsText: '{}' }];
const use = {
  ...result(''),
  message: { role: 'assistant', content: '', toolCalls },
  toolCalls,
  finishReason: 'tool-calls',
};
const provider = {
  name: 'fake',
  generate: async ({ messages }, context) => {
    if (messages.at(-1).content === 'use') return use;
    await answer(context);
    return result('done');
  },
  stream: async function* (_request, context) {
    yield { type: 'text', text: 'do' };
    await answer(context);
    yield { type: 'text', text: 'ne' };
    yield result('done');
  },
};

/** Ignores its signal. */
const stubborn = defineTool({
  name: 'stubborn',
  description: 'Works for ever.',
  execute: () => new Promise(() => {}),
});

class AppModule {
  onApplicationShutdown() {
    say('lived', performance.now() - signalledAt);
  }
}
Module({
  imports: [
    CallbacksModule.forRoot({
      llm: { provider, model: 'fake' },
      agent: { tools: [stubborn] },
      background: { drainMs, concurrency: 4, queueSize: 10_000 },
    }),
  ],
})(AppModule);
const app = await NestFactory.createApplicationContext(AppModule, {
  logger: { log() {}, error() {}, warn: (message) => say('warn', message) },
});
app.enableShutdownHooks(['SIGTERM']);

let signalledAt = 0;
process.prependOnceListener('SIGTERM', () => (signalledAt = performance.now()));

const callbacks = app.get(CallbacksService);
callbacks.on('*', async ({ runId, type }) => {
  await delay(1);
  say('awaited', runId, type);
});
let ends = 0;
callbacks.on(
  '*',
  async ({ runId, type }) => {
    if (!type.endsWith('.end') && !type.endsWith('.error')) return;
    // Some are done long before the deadline, and some would take forever.
    await (++ends % 10 === 0 ? new Promise(() => {}) : delay(1));
    say('background', runId);
  },
  { background: true, when: ({ type }) => /(end|error)$/.test(type) },
);

const llm = app.get(LlmService);
const agent = app.get(AgentService);
const ways = [
  () => llm.generate('hi'),
  () => llm.stream('hi').response,
  () => agent.run('hi'),
  () => callbacks.chain('chain', 'hi', () => llm.generate('hi')),
];
const begin = (way) =>
  way().then(
    () => say('settled'),
    () => say('settled'),
  );
for (let i = 0; i < calls; i++) begin(ways[i % ways.length]);
begin(() => agent.run('use'));
process.send('loaded');
