import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CallbacksModule } from 'nestjs-llm-callbacks';
import { BullmqJobQueue } from 'nestjs-llm-callbacks/bullmq';

for (const [provider, packageName] of [
  ['openai', 'openai'],
  ['anthropic', '@anthropic-ai/sdk'],
]) {
  class AppModule {}
  Module({ imports: [CallbacksModule.forRoot({ llm: { provider, model: 'm', apiKey: 'k' } })] })(
    AppModule,
  );
  await assert.rejects(
    NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false }),
    { name: 'CallbacksConfigurationError', message: new RegExp(`npm install ${packageName}$`) },
  );
}

class QueueModule {}
const queue = new BullmqJobQueue({ connection: 'redis://127.0.0.1:6379' });
Module({ imports: [CallbacksModule.forRoot({ background: { queue } })] })(QueueModule);
await assert.rejects(
  NestFactory.createApplicationContext(QueueModule, { logger: false, abortOnError: false }),
  { name: 'CallbacksConfigurationError', message: /npm install bullmq/ },
);
