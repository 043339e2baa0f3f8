import { Module, type DynamicModule } from '@nestjs/common';
import { CallbacksModule, CostTracker } from 'nestjs-llm-callbacks';
import { AnswerReview } from './callbacks/answer-review.js';
import { AuditLog } from './callbacks/audit-log.js';
import { LatencyPrinter } from './callbacks/latency-printer.js';
import { SignInGate } from './callbacks/sign-in-gate.js';
import { AuditController } from './desk/audit.controller.js';
import { CostsController } from './desk/costs.controller.js';
import { DeskService } from './desk/desk.service.js';
import { TicketsController } from './desk/tickets.controller.js';
import { whoIsAsking } from './desk/who-is-asking.js';
import { ModelConnections } from './models/model-connections.js';

/** A support desk: one model sorts the questions, another one answers them. */
@Module({
  controllers: [TicketsController, CostsController, AuditController],
  providers: [DeskService, CostTracker, SignInGate, AuditLog, LatencyPrinter, AnswerReview],
})
export class AppModule {
  static connectedBy(models: ModelConnections): DynamicModule {
    return {
      module: AppModule,
      imports: [
        CallbacksModule.forRoot({
          llm: { provider: 'anthropic', model: 'claude-haiku-4-5', ...models.anthropic },
          context: whoIsAsking,
        }),
        CallbacksModule.forFeature({
          name: 'support',
          llm: { provider: 'openai', model: 'gpt-5-mini', ...models.openai },
        }),
      ],
      providers: [{ provide: ModelConnections, useValue: models }],
    };
  }
}
