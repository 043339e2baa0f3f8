import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { CallbacksExceptionFilter, CallbacksModule, CostTracker } from 'nestjs-llm-callbacks';
import { CLERK } from './agent/clerk.js';
import { HelpTexts } from './agent/help-texts.js';
import { OrderBook } from './agent/order-book.js';
import { OrderTools } from './agent/order-tools.js';
import { TicketHandler } from './agent/ticket-handler.js';
import { WaitingTickets } from './agent/waiting-tickets.js';
import { AgentPrinter } from './callbacks/agent-printer.js';
import { AnswerReview } from './callbacks/answer-review.js';
import { AuditLog } from './callbacks/audit-log.js';
import { LatencyPrinter } from './callbacks/latency-printer.js';
import { SignInGate } from './callbacks/sign-in-gate.js';
import { ApprovalsController } from './desk/approvals.controller.js';
import { AuditController } from './desk/audit.controller.js';
import { CostsController } from './desk/costs.controller.js';
import { DeskService } from './desk/desk.service.js';
import { TicketsController } from './desk/tickets.controller.js';
import { whoIsAsking } from './desk/who-is-asking.js';
import { ModelConnections } from './models/model-connections.js';
import { PageModule } from './page/page.module.js';
import { ProgressModule } from './progress/progress.module.js';

const CALLBACKS = [CostTracker, SignInGate, AuditLog, LatencyPrinter, AnswerReview, AgentPrinter];
const AGENT = [OrderBook, OrderTools, HelpTexts, WaitingTickets, TicketHandler];

/** A support desk: one model sorts the questions, another one answers them, by itself or as an agent with tools. */
@Module({
  imports: [ProgressModule, PageModule],
  controllers: [TicketsController, ApprovalsController, CostsController, AuditController],
  providers: [
    DeskService,
    ...AGENT,
    ...CALLBACKS,
    { provide: APP_FILTER, useClass: CallbacksExceptionFilter },
  ],
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
          agent: CLERK,
        }),
      ],
      providers: [{ provide: ModelConnections, useValue: models }],
    };
  }
}
