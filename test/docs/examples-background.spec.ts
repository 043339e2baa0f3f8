import { afterEach, expect, it } from '@jest/globals';
import { CallbacksService, LlmService } from 'nestjs-llm-callbacks';
import { MemoryJobQueue } from '../support/memory-job-queue.js';
import { Billing, Invoices, Reporting, reportNow, Warehouse } from './examples/background.js';
import { around, closeAll, start } from './start.js';

afterEach(closeAll);

it('The example of a background handler is done after flush()', async () => {
  const rows: object[] = [];
  const app = await start({
    imports: [around(['hello'])],
    providers: [
      Reporting,
      { provide: Warehouse, useValue: { write: async (row: object) => void rows.push(row) } },
    ],
  });
  const status = await reportNow(app.get(LlmService), app.get(CallbacksService));
  expect(rows).toEqual([{ model: 'fake', cost: null, user: undefined }]);
  expect(status).toEqual({ running: 0, pending: 0, dropped: 0 });
});

it('The example of a durable handler is called for a job of the queue', async () => {
  const bills: unknown[] = [];
  const queue = new MemoryJobQueue();
  const app = await start({
    imports: [around(['hello'], { background: { queue } })],
    providers: [
      Billing,
      { provide: Invoices, useValue: { add: async (...bill: unknown[]) => void bills.push(bill) } },
    ],
  });
  await app.get(LlmService).generate('Hello', { userId: 'ada' });
  await queue.work();
  expect(bills).toEqual([[expect.stringMatching(/:\d+$/), 'ada', null]]);
});
