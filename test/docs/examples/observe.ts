import { Injectable, Module } from '@nestjs/common';
import {
  CallbacksModule,
  CallbacksService,
  CostLimiter,
  CostTracker,
  OnLlmEnd,
  type LlmEndEvent,
} from 'nestjs-llm-callbacks';
import OpenAI from 'openai';

// #region observe
@Injectable()
export class Summaries {
  private readonly openai: OpenAI;

  constructor(callbacks: CallbacksService) {
    this.openai = callbacks.observe(new OpenAI(), { tags: ['summaries'] });
  }

  async write(text: string) {
    const { choices } = await this.openai.chat.completions.create({
      model: 'gpt-5-mini',
      messages: [{ role: 'user', content: `Sum up: ${text}` }],
      max_completion_tokens: 200,
    });
    return choices[0]?.message.content;
  }
}

@Injectable()
export class Bill {
  @OnLlmEnd({ when: ({ observed }) => observed })
  note({ origin, model, cost }: LlmEndEvent) {
    console.log(origin, model, cost); // 'openai', 'gpt-5-mini', 0.0001
  }
}

@Module({
  imports: [
    CallbacksModule.forRoot({ callbacks: [new CostLimiter({ maxCost: 5, window: 'day' })] }),
  ],
  providers: [Summaries, Bill, CostTracker],
})
export class AppModule {}
// #endregion
