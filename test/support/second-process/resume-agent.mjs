// A process that receives a paused agent as JSON: it resumes it, and sends the result back.
import 'reflect-metadata';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const [, , folder] = process.argv;
const { AgentService, CallbacksModule } = await import(
  pathToFileURL(join(folder, 'index.js')).href
);
const { FakeLlm } = await import(pathToFileURL(join(folder, 'testing/index.js')).href);

process.once('message', (message) => void resume(message));

async function resume({ pending, decisions, answers }) {
  const fake = new FakeLlm(answers);
  const refund = {
    name: 'refund',
    description: 'Pays back.',
    needsApproval: true,
    execute: ({ order }) => `refunded ${order}`,
    parameters: { type: 'object', properties: { order: { type: 'string' } } },
  };
  const look = { name: 'look', description: 'Looks.', execute: () => 'seen' };
  class AppModule {}
  Module({
    imports: [
      CallbacksModule.forRoot({
        llm: { provider: fake, model: 'fake' },
        agent: { tools: [refund, look] },
      }),
    ],
  })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const result = await app.get(AgentService).resume(pending, decisions);
  await app.close();
  process.send({ result }, () => process.disconnect());
}
