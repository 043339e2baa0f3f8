import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CallbacksModule, LlmService, OnLlmEnd, type LlmEndEvent } from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';

@Injectable()
class Hooks {
  readonly heard: LlmEndEvent[] = [];

  @OnLlmEnd()
  ended(event: LlmEndEvent): void {
    this.heard.push(event);
  }
}

@Module({
  imports: [CallbacksModule.forRoot({ llm: { provider: new FakeLlm(['hello']), model: 'fake' } })],
  providers: [Hooks],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  const { text } = await app.get(LlmService).generate('hi');
  assert.equal(text, 'hello');
  assert.equal(app.get(Hooks).heard.length, 1);
  await app.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
