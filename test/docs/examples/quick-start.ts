import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CallbacksModule, LlmEndEvent, LlmService, OnLlmEnd } from 'nestjs-llm-callbacks';

@Injectable()
class CostPrinter {
  @OnLlmEnd()
  print({ model, usage, cost }: LlmEndEvent) {
    console.log(`${model}: ${usage.totalTokens} tokens, $${cost?.toFixed(6)}`);
  }
}

@Module({
  imports: [CallbacksModule.forRoot({ llm: { provider: 'openai', model: 'gpt-5-mini' } })],
  providers: [CostPrinter],
})
class AppModule {}

async function main() {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  const { text } = await app.get(LlmService).generate('Say hello.');
  console.log(text);
  await app.close();
}

void main();
