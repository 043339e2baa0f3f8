// A job of a durable handler goes through Redis and comes back, with the bullmq that is installed.
import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { CallbacksModule, LlmService, OnLlmEnd } from 'nestjs-llm-callbacks';
import { BullmqJobQueue } from 'nestjs-llm-callbacks/bullmq';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import copies from './copies.cjs';

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const prefix = `package-check-${randomUUID()}`;

class Audit {
  calls = 0;
  done = new Promise((resolve) => (this.resolve = resolve));

  record(event) {
    // The first try fails, and is made again.
    if (this.calls++ === 0) throw new Error('try again');
    this.resolve(event);
  }
}
copies.decorate(OnLlmEnd({ background: 'durable' }), Audit, 'record');
Injectable()(Audit);

const redis = new Redis(url, { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 });
redis.on('error', () => {});
const isThere = await redis.connect().then(
  () => true,
  () => false,
);
if (!isThere) {
  console.log(`skipped: there is no Redis at ${url}`);
  // As the tests do.
  if (process.env.CI) process.exitCode = 1;
} else {
  const queue = new BullmqJobQueue({ connection: url, prefix, backoffMs: 1 });
  class AppModule {}
  Module({
    imports: [
      CallbacksModule.forRoot({
        llm: { provider: new FakeLlm(['hello']), model: 'fake' },
        background: { queue },
      }),
    ],
    providers: [Audit],
  })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  try {
    await app.get(LlmService).generate('hi');
    const event = await app.get(Audit).done;
    assert.equal(event.response.text, 'hello');
  } finally {
    await app.close();
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.del(...keys);
    redis.disconnect();
  }
}

// PostgreSQL is bullmq 6's.
if (process.argv[2] === 'redis-only') {
  const queue = new BullmqJobQueue({ connection: 'postgres://127.0.0.1:1/none' });
  await assert.rejects(queue.deadLetters(), { message: /Run: npm install bullmq@6/ });
}
