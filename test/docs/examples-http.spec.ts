import { Controller, Get } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { afterEach, expect, it } from '@jest/globals';
import { BudgetExceededError, NO_USAGE } from 'nestjs-llm-callbacks';
import { closeApps, willClose } from '../support/app.js';
import { testLogger } from '../support/logs.js';
import { HttpErrorsModule } from './examples/http-errors.js';
import { Bill, BillKeeper, Desk } from './examples/request-scope.js';
import { around, closeAll, listen } from './start.js';

afterEach(async () => {
  await closeApps();
  await closeAll();
});

@Controller()
class Spent {
  @Get() ask() {
    throw new BudgetExceededError('The budget of today is spent.');
  }
}

it('The filter of the README returns errors as HTTP responses', async () => {
  const module = await Test.createTestingModule({
    imports: [HttpErrorsModule],
    controllers: [Spent],
  })
    .setLogger(testLogger)
    .compile();
  const app = willClose(module.createNestApplication(new ExpressAdapter()));
  await app.listen(0, '127.0.0.1');
  const response = await fetch(await app.getUrl());
  expect(response.status).toBe(402);
  expect(await response.json()).toMatchObject({ code: 'budget_exceeded', retryable: false });
});

it('The request-scoped callback of the README counts for its own request', async () => {
  const usage = { ...NO_USAGE, inputTokens: 5, outputTokens: 7, totalTokens: 12 };
  const answer = { text: 'Fine.', usage };
  const url = await listen({
    imports: [around([answer, answer])],
    providers: [Bill, BillKeeper],
    controllers: [Desk],
  });
  for (let i = 0; i < 2; i++) {
    const response = await fetch(url);
    expect(await response.json()).toEqual({ text: 'Fine.', tokens: 12 });
  }
});
