import { Injectable, Module } from '@nestjs/common';
import {
  CallbacksModule,
  CallbacksService,
  LlmEndEvent,
  LlmService,
  OnLlmEnd,
} from 'nestjs-llm-callbacks';
import { BullmqJobQueue } from 'nestjs-llm-callbacks/bullmq';
import { model } from './fake-model.js';

export abstract class Warehouse {
  abstract write(row: object): Promise<void>;
}

export abstract class Invoices {
  abstract add(id: string, userId: string | undefined, dollars: number | null): Promise<void>;
}

// #region handler
@Injectable()
export class Reporting {
  constructor(private readonly warehouse: Warehouse) {}

  // The caller has its answer before this begins.
  @OnLlmEnd({ background: true, timeoutMs: 10_000 })
  async report(event: LlmEndEvent) {
    await this.warehouse.write({ model: event.model, cost: event.cost, user: event.userId });
  }
}
// #endregion

// #region flush
export async function reportNow(llm: LlmService, callbacks: CallbacksService) {
  await llm.generate('Hello');
  await callbacks.flush(); // waits for the background: in scripts, jobs and tests
  return callbacks.background; // { running: 0, pending: 0, dropped: 0 }
}
// #endregion

// #region durable
@Injectable()
export class Billing {
  constructor(private readonly invoices: Invoices) {}

  // At least once: the id of the event says whether it was done before.
  @OnLlmEnd({ background: 'durable', name: 'billing' })
  async bill(event: LlmEndEvent) {
    await this.invoices.add(event.eventId, event.userId, event.cost);
  }
}
// #endregion

// #region queue
@Module({
  imports: [
    CallbacksModule.forRoot({
      llm: model,
      background: {
        queue: new BullmqJobQueue({
          connection: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
          prefix: 'shop',
          worker: process.env.ROLE !== 'web', // web processes only add jobs
        }),
      },
    }),
  ],
  providers: [Billing],
})
export class BillingModule {}
// #endregion
