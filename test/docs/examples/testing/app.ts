import { Injectable, Module } from '@nestjs/common';
import {
  AgentService,
  CallbackAbort,
  CallbacksModule,
  Chain,
  CostLimiter,
  InjectLlm,
  LlmService,
  OnLlmEnd,
  OnLlmStart,
  Tool,
  type LlmEndEvent,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';

@Injectable()
export class Gate {
  @OnLlmStart()
  check(event: LlmStartEvent) {
    if (event.userId === undefined) throw new CallbackAbort('Sign in first.');
  }
}

@Injectable()
export class Orders {
  @Tool({
    description: 'Finds an order by its number.',
    parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
  })
  findOrder({ id }: { id: string }) {
    return { id, status: 'sent' };
  }
}

@Injectable()
export class Report {
  readonly lines: string[] = [];

  @OnLlmEnd({ background: true })
  write(event: LlmEndEvent) {
    this.lines.push(`${event.userId}: ${event.provider}/${event.model}`);
  }
}

// #region app
@Injectable()
export class Desk {
  constructor(
    @InjectLlm('support') private readonly llm: LlmService,
    private readonly agents: AgentService,
  ) {}

  @Chain('answer')
  async answer(question: string, userId?: string) {
    const { text } = await this.llm.generate(question, { userId, maxOutputTokens: 100 });
    return text;
  }

  async track(question: string, userId: string) {
    return (await this.agents.run(question, { userId, maxOutputTokens: 100 })).output;
  }
}

@Module({
  imports: [
    CallbacksModule.forRootAsync({
      useFactory: () => ({
        llm: { provider: 'anthropic', model: 'claude-haiku-4-5' },
        agent: { tools: ['findOrder'] },
        callbacks: [new CostLimiter({ maxCost: 0.001, per: 'user' })],
      }),
    }),
    CallbacksModule.forFeature({
      name: 'support',
      llm: { provider: 'openai', model: 'gpt-5-mini' },
    }),
  ],
  providers: [Desk, Gate, Orders, Report],
})
export class AppModule {}
// #endregion
