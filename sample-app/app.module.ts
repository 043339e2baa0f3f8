import { randomBytes } from 'node:crypto';
import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import {
  CallbacksExceptionFilter,
  CallbacksModule,
  CostTracker,
  FallbackInterceptor,
} from 'nestjs-llm-callbacks';
import { CLERK } from './agent/clerk.js';
import { HelpTexts } from './agent/help-texts.js';
import { OrderBook } from './agent/order-book.js';
import { OrderTools } from './agent/order-tools.js';
import { TicketHandler } from './agent/ticket-handler.js';
import { WaitingTickets } from './agent/waiting-tickets.js';
import { AgentPrinter } from './callbacks/agent-printer.js';
import { AnswerLength } from './callbacks/answer-length.js';
import { AnswerReview } from './callbacks/answer-review.js';
import { AuditLog } from './callbacks/audit-log.js';
import { LatencyPrinter } from './callbacks/latency-printer.js';
import { SignInGate } from './callbacks/sign-in-gate.js';
import { ApprovalsController } from './desk/approvals.controller.js';
import { AuditController } from './desk/audit.controller.js';
import { CostsController } from './desk/costs.controller.js';
import { DeskService } from './desk/desk.service.js';
import { OutageController } from './desk/outage.controller.js';
import { TicketsController } from './desk/tickets.controller.js';
import { whoIsAsking } from './desk/who-is-asking.js';
import { LimitStorage } from './limits/limit-storage.js';
import { LimitsModule } from './limits/limits.module.js';
import { ModelConnections } from './models/model-connections.js';
import { MODELS } from './models/models.js';
import { NotesController } from './notes/notes.controller.js';
import { TicketNotes } from './notes/ticket-notes.js';
import { PageModule } from './page/page.module.js';
import { ProgressModule } from './progress/progress.module.js';
import { DeskTelemetry } from './telemetry/desk-telemetry.js';
import { MetricsController } from './telemetry/metrics.controller.js';

const CALLBACKS = [
  CostTracker,
  SignInGate,
  AnswerLength,
  AuditLog,
  LatencyPrinter,
  AnswerReview,
  AgentPrinter,
];
const AGENT = [OrderBook, OrderTools, HelpTexts, WaitingTickets, TicketHandler];

/**
 * A support desk: one model sorts the questions, another one answers them, directly or as an agent with tools. If that
 * one fails, a smaller one replaces it. Each user has a budget and a rate.
 */
@Module({
  imports: [ProgressModule, PageModule],
  controllers: [
    TicketsController,
    ApprovalsController,
    NotesController,
    CostsController,
    AuditController,
    OutageController,
    MetricsController,
  ],
  providers: [
    DeskService,
    TicketNotes,
    ...AGENT,
    ...CALLBACKS,
    { provide: APP_FILTER, useClass: CallbacksExceptionFilter },
  ],
})
export class AppModule {
  static connectedBy(
    models: ModelConnections,
    limits = LimitStorage.open({}),
    telemetry = DeskTelemetry.local(),
  ): DynamicModule {
    return {
      module: AppModule,
      imports: [
        LimitsModule.countedIn(limits),
        CallbacksModule.forRoot({
          llm: { provider: 'anthropic', model: MODELS.default, ...models.anthropic },
          context: whoIsAsking,
          callbacks: [telemetry.callbacks],
          // Pending runs are lost when the desk closes, so the key may be lost too; a real key is a secret shared by
          // all replicas.
          approvals: { key: randomBytes(32) },
        }),
        CallbacksModule.forFeature({
          name: 'support',
          // The backup is called immediately, which is faster than retrying.
          llm: { provider: 'openai', model: MODELS.support, maxRetries: 0, ...models.openai },
          agent: CLERK,
          callbacks: [new FallbackInterceptor({ clients: ['backup'] })],
        }),
        CallbacksModule.forFeature({
          name: 'backup',
          llm: { provider: 'openai', model: MODELS.backup, ...models.openai },
        }),
      ],
      providers: [
        { provide: ModelConnections, useValue: models },
        { provide: DeskTelemetry, useValue: telemetry },
      ],
    };
  }
}
