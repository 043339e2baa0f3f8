// A process that its durable handler crashes, every time.
import 'reflect-metadata';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const [, , folder, settings] = process.argv;
const { queue } = JSON.parse(settings);
const { CallbacksModule, OnLlmEnd } = await import(pathToFileURL(join(folder, 'index.js')).href);
const { BullmqJobQueue } = await import(pathToFileURL(join(folder, 'bullmq/index.js')).href);

// It exits with the test at the latest.
process.once('disconnect', () => process.exit());

class Audit {
  paid() {
    process.send('started', () => process.kill(process.pid, 'SIGKILL'));
    return new Promise(() => {});
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
process.send('ready');
