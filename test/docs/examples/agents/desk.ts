import { Injectable, Module } from '@nestjs/common';
import {
  AgentService,
  CallbacksModule,
  InjectAgent,
  Tool,
  type ToolContext,
} from 'nestjs-llm-callbacks';
import { z } from 'zod';
import { model } from './fake-model.js';

@Injectable()
export class OrderService {
  readonly refunds: string[] = [];

  find(id: string) {
    return { id, status: 'sent', dollars: 80 };
  }

  async refund(id: string, by: string | undefined, signal: AbortSignal) {
    signal.throwIfAborted();
    this.refunds.push(`${id} by ${by}`);
  }
}

// #region tools
@Injectable()
export class OrderTools {
  constructor(private readonly orders: OrderService) {}

  @Tool({
    description: 'Finds an order by its number.',
    parameters: z.object({ id: z.string() }),
  })
  findOrder({ id }: { id: string }) {
    return this.orders.find(id);
  }

  @Tool({
    description: 'Pays an order back.',
    parameters: z.object({ id: z.string(), dollars: z.number().positive() }),
    needsApproval: ({ dollars }) => dollars > 50,
    timeoutMs: 10_000,
  })
  async refund({ id }: { id: string; dollars: number }, { signal, context }: ToolContext) {
    await this.orders.refund(id, context.userId, signal);
    return `Order ${id} is paid back.`;
  }
}
// #endregion

// #region desk
@Injectable()
export class Desk {
  constructor(@InjectAgent('support') private readonly agent: AgentService) {}

  async answer(question: string, userId: string) {
    const { output, steps, cost } = await this.agent.run(question, { userId });
    return { output, turns: steps.length, cost };
  }
}

@Module({
  imports: [
    CallbacksModule.forRoot({ llm: model }),
    CallbacksModule.forFeature({
      name: 'support',
      agent: { persona: 'You help the customers of a shop.', tools: [OrderTools], maxSteps: 8 },
    }),
  ],
  providers: [OrderService, OrderTools, Desk],
})
export class AppModule {}
// #endregion
