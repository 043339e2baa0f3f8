import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CallbacksModule,
  CostTracker,
  LlmEndEvent,
  LlmService,
  LlmStartEvent,
  OnLlmEnd,
  OnLlmStart,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';

// Without a key a fake model answers, so that this file runs anywhere.
const provider = process.env.OPENAI_API_KEY ? 'openai' : new FakeLlm(['Hello from a fake model.']);

@Injectable()
class Narrator {
  @OnLlmStart()
  before(event: LlmStartEvent) {
    console.log(`asking ${event.provider}/${event.model}: ${event.prompt}`);
  }

  @OnLlmEnd()
  async after(event: LlmEndEvent) {
    console.log(`${event.tokenCount} tokens, cost in dollars: ${event.cost ?? 'unknown'}`);
  }
}

@Module({
  imports: [CallbacksModule.forRoot({ llm: { provider, model: 'gpt-5-mini' } })],
  providers: [Narrator, CostTracker],
})
class AppModule {}

async function main() {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  const { text } = await app.get(LlmService).generate('Say hello.');
  console.log(`answer: ${text}`);
  console.log(`calls so far: ${app.get(CostTracker).requestCount}`);
  await app.close();
}

void main();
