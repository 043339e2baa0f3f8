// A process that calls a model through one door, within a budget on Redis that it shares with others.
import 'reflect-metadata';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Anthropic from '@anthropic-ai/sdk';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import OpenAI from 'openai';

const [, , folder, settings] = process.argv;
const { door, origin, redisUrl, prefix, budget } = JSON.parse(settings);
const load = (file) => import(pathToFileURL(join(folder, file)).href);
const { CallbacksModule, CallbacksService, CostLimiter, CostTracker, LlmService } =
  await load('index.js');
const { RedisLimitStore } = await load('redis/index.js');
const { DOORS, MODEL } = await load('support/doors/doors.js');

// It exits with the test at the latest.
process.once('disconnect', () => process.exit());

const baseURL = `${origin}/v1`;
const options = { apiKey: 'test', maxRetries: 0 };
const redis = new Redis(redisUrl);
const store = new RedisLimitStore({ client: redis, prefix, timeoutMs: 10_000 });

class AppModule {}
Module({
  imports: [
    CallbacksModule.forRoot({
      llm: { provider: 'openai', model: MODEL, baseURL, ...options },
      prices: { [MODEL]: { inputPerMillion: 1_000, outputPerMillion: 10_000 } },
      callbacks: [new CostLimiter({ ...budget, store })],
    }),
  ],
  providers: [CostTracker],
})(AppModule);
const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const callbacks = app.get(CallbacksService);
const clients = {
  llm: app.get(LlmService),
  openai: callbacks.observe(new OpenAI({ baseURL, ...options })),
  anthropic: callbacks.observe(new Anthropic({ baseURL: origin, ...options })),
  fetching: new OpenAI({ baseURL, ...options, fetch: callbacks.fetch() }),
};

process.on('message', (message) => void follow(message));
process.send('ready');

async function follow({ callers, calls, prompt }) {
  const costs = app.get(CostTracker);
  costs.reset();
  const counts = { answered: 0, refused: 0, failed: 0 };
  const caller = async () => {
    for (let i = 0; i < calls; i++) {
      try {
        await DOORS[door](clients, prompt);
        counts.answered++;
      } catch (error) {
        counts[error.code === 'budget_exceeded' ? 'refused' : 'failed']++;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  process.send({ ...counts, cost: costs.totalCost });
}
