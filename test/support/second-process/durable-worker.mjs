// A process with the same providers as the one that adds jobs: it runs them, and records the done ones in Redis.
import 'reflect-metadata';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';

const [, , folder, settings] = process.argv;
const { queue, redisUrl, doneKey } = JSON.parse(settings);
const { CallbacksModule, OnLlmEnd } = await import(pathToFileURL(join(folder, 'index.js')).href);
const { BullmqJobQueue } = await import(pathToFileURL(join(folder, 'bullmq/index.js')).href);

// It exits with the test at the latest.
process.once('disconnect', () => process.exit());

const redis = new Redis(redisUrl);

class Audit {
  async paid({ eventId }) {
    await redis
      .multi()
      .hincrby(doneKey, eventId, 1)
      .rpush(`${doneKey}:${process.pid}`, eventId)
      .exec();
    process.send(eventId);
  }
}
const paid = Object.getOwnPropertyDescriptor(Audit.prototype, 'paid');
OnLlmEnd({ background: 'durable', name: 'audit' })(Audit.prototype, 'paid', paid);

class AppModule {}
Module({
  imports: [CallbacksModule.forRoot({ background: { queue: new BullmqJobQueue(queue) } })],
  providers: [Audit],
})(AppModule);
await NestFactory.createApplicationContext(AppModule, { logger: false });
