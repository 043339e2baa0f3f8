import 'reflect-metadata';
import { strict as assert } from 'node:assert';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  AgentService,
  CallbacksModule,
  Chain,
  LlmService,
  OnAnyEvent,
  OnLlmEnd,
  Tool,
  type CallbackEvent,
  type LlmEndEvent,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';

@Injectable()
class Hooks {
  readonly received: LlmEndEvent[] = [];

  @OnLlmEnd()
  ended(event: LlmEndEvent): void {
    this.received.push(event);
  }
}

@Injectable()
class Orders {
  readonly types: string[] = [];

  constructor(private readonly agents: AgentService) {}

  @Tool({
    description: 'Finds an order.',
    parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
  })
  findOrder({ id }: { id: string }): string {
    return `${id} was sent`;
  }

  @Chain('answer')
  async answer(question: string): Promise<string> {
    return (await this.agents.run(question)).output;
  }

  @OnAnyEvent()
  record(event: CallbackEvent): void {
    this.types.push(event.type);
  }
}

const model = new FakeLlm([
  'hello',
  { toolCalls: [{ name: 'findOrder', args: { id: '42' } }] },
  'It was sent.',
]);

@Module({
  imports: [
    CallbacksModule.forRoot({
      llm: { provider: model, model: 'fake' },
      agent: { tools: ['findOrder'] },
    }),
  ],
  providers: [Hooks, Orders],
})
class AppModule {}

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  const { text } = await app.get(LlmService).generate('hi');
  assert.equal(text, 'hello');
  assert.equal(app.get(Hooks).received.length, 1);
  const orders = app.get(Orders);
  assert.equal(await orders.answer('Where is order 42?'), 'It was sent.');
  assert.equal(model.requests[2]?.messages.at(-1)?.content, '42 was sent');
  for (const type of ['chain.start', 'agent.start', 'tool.end', 'agent.end', 'chain.end']) {
    assert.ok(orders.types.includes(type), type);
  }
  await app.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
