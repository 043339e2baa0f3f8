// An application with everything in progress that may outlive a shutdown: it writes, line by line, the events of its
// callbacks.
import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const [, , folder, settings] = process.argv;
const { drainMs, redisUrl, prefix } = JSON.parse(settings);
const load = (file) => import(pathToFileURL(join(folder, file)).href);
const {
  AgentService,
  CallbacksModule,
  CallbacksService,
  CostLimiter,
  LlmService,
  OnLlmEnd,
  defineTool,
} = await load('index.js');
const { RedisLimitStore } = await load('redis/index.js');
const { BullmqJobQueue } = await load('bullmq/index.js');

const say = (...words) => writeSync(1, `${words.join(' ')}\n`);
const never = () => new Promise(() => {});

/** Prints `loaded` once each of these was reached. */
const awaited = new Set(['tool 3', 'stream', 'background', 'durable', 'chain', 'call']);
const reached = (what) => {
  if (awaited.delete(what) && awaited.size === 0) say('loaded');
};

const toolCalls = [{ id: '1', name: 'stubborn', args: {}, argsText: '{}' }];
const use = { role: 'assistant', content: '', toolCalls };
const USE = { text: '', message: use, toolCalls, finishReason: 'tool-calls' };
const result = (fields) => ({
  usage: { inputTokens: 1, outputTokens: 1 },
  ...fields,
});
const provider = {
  name: 'fake',
  generate: async ({ messages }, { signal }) => {
    const text = messages.at(-1).content;
    if (text === 'use') return result(USE);
    if (text === 'quick') return result({ text: 'done' });
    reached('call');
    return new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(new Error('Aborted.'))),
    );
  },
  stream: async function* ({ messages }) {
    const text = messages.at(-1).content;
    yield { type: 'text', text: 'do' };
    if (text === 'use') {
      yield result(USE);
      return;
    }
    reached('stream');
    await never();
  },
};

let tools = 0;
/** Ignores its signal, and keeps its process alive. */
const stubborn = defineTool({
  name: 'stubborn',
  description: 'Works for ever.',
  execute: () => {
    setInterval(() => {}, 1_000);
    reached(`tool ${++tools}`);
    return never();
  },
});

class Audit {
  paid() {
    reached('durable');
    return never();
  }
}
const paid = Object.getOwnPropertyDescriptor(Audit.prototype, 'paid');
OnLlmEnd({ background: 'durable', name: 'audit' })(Audit.prototype, 'paid', paid);

class AppModule {}
Module({
  imports: [
    CallbacksModule.forRoot({
      llm: { provider, model: 'fake' },
      prices: { fake: { inputPerMillion: 1, outputPerMillion: 1 } },
      agent: { tools: [stubborn] },
      callbacks: [
        new CostLimiter({ maxCost: 1, store: new RedisLimitStore({ url: redisUrl, prefix }) }),
      ],
      background: { drainMs, queue: new BullmqJobQueue({ connection: redisUrl, prefix }) },
    }),
  ],
  providers: [Audit],
})(AppModule);
const app = await NestFactory.createApplicationContext(AppModule, {
  logger: {
    log() {},
    error: (message) => say('log', message),
    warn: (message) => say('log', message),
  },
});
app.enableShutdownHooks(['SIGTERM']);

const callbacks = app.get(CallbacksService);
callbacks.on('*', ({ runId, type }) => say('event', runId, type));
callbacks.on(
  'llm.end',
  () => {
    reached('background');
    return never();
  },
  { background: true },
);

const llm = app.get(LlmService);
const agents = app.get(AgentService);
const begun = [
  () => llm.generate('quick'),
  () => llm.generate('slow'),
  async () => {
    for await (const _ of llm.stream('slow'));
  },
  () => llm.stream('slow').response,
  () => agents.run('use'),
  async () => {
    for await (const _ of agents.stream('use'));
  },
  () => callbacks.tool('by-hand', {}, never),
  () =>
    callbacks.chain('outer', 1, () => {
      reached('chain');
      return agents.run('use');
    }),
].map((begin) =>
  begin().then(
    () => say('settled'),
    () => say('settled'),
  ),
);
say('begun', begun.length);
// Like a server process: it ends only by the signal.
