import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CallbacksModule } from 'nestjs-llm-callbacks';

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
