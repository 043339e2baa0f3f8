// A process with its own connection to Redis: it makes the requested calls, within shared limits.
import 'reflect-metadata';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';

const [, , folder, baseURL, redisUrl, prefix] = process.argv;
const load = (file) => import(pathToFileURL(join(folder, file)).href);
const { CallbacksModule, CostLimiter, LlmService, RateLimiter } = await load('index.js');
const { RedisLimitStore } = await load('redis/index.js');

class AppModule {}
Module({
  imports: [
    CallbacksModule.forRoot({
      llm: { provider: 'openai', baseURL, model: 'm', maxRetries: 0 },
      prices: { m: { inputPerMillion: 1_000, outputPerMillion: 10_000 } },
    }),
  ],
})(AppModule);
const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const llm = app.get(LlmService);
const client = new Redis(redisUrl);
const store = new RedisLimitStore({ client, prefix, timeoutMs: 10_000 });
const Limiters = { CostLimiter, RateLimiter };

process.on('message', (message) => void follow(message));
process.send('ready');

async function follow({ limiter: name, options, callers, calls, prompt }) {
  if (name === undefined) {
    await app.close();
    await client.quit();
    process.disconnect();
    return;
  }
  const callbacks = [new Limiters[name]({ ...options, store })];
  const counts = { answered: 0, refused: 0, failed: 0, cost: 0, tokens: 0 };
  const caller = async () => {
    for (let i = 0; i < calls; i++) {
      try {
        const { cost, usage } = await llm.generate(prompt, { maxOutputTokens: 50, callbacks });
        counts.answered++;
        counts.cost += cost;
        counts.tokens += usage.totalTokens;
      } catch (error) {
        counts[/exceeded/.test(error.code) && error.cause === undefined ? 'refused' : 'failed']++;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  process.send(counts);
}
