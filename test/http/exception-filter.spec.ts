import { Controller, Get, Query, Res, type ArgumentsHost, type Provider } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  BudgetExceededError,
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksExceptionFilter,
  CallbackTimeoutError,
  LimitKeyMissingError,
  LimitStoreUnavailableError,
  LlmAbortedError,
  LlmAuthenticationError,
  LlmBillingError,
  LlmConnectionError,
  LlmContentFilterError,
  LlmContextLengthError,
  LlmInvalidRequestError,
  LlmModelNotFoundError,
  LlmOverloadedError,
  LlmPermissionError,
  LlmRateLimitError,
  LlmResponseError,
  LlmServerError,
  LlmTimeoutError,
  MaxStepsExceededError,
  PendingRunError,
  RateLimitExceededError,
  SchemaValidationError,
  ToolExecutionError,
  UnknownPriceError,
  type CallbacksError,
} from 'nestjs-llm-callbacks';
import { lastValueFrom, type Observable } from 'rxjs';
import { closeApps, willClose } from '../support/app.js';
import { logs, testLogger } from '../support/logs.js';

afterEach(closeApps);

class Closed extends CallbackAbort {}

const ERRORS: [status: number, error: CallbacksError][] = [
  [400, new LlmInvalidRequestError('refused')],
  [400, new LlmContextLengthError('too long')],
  [400, new LlmContentFilterError('filtered')],
  [402, new BudgetExceededError('spent')],
  [403, new Closed('closed')],
  [409, new PendingRunError('replayed', { reason: 'replayed' })],
  [429, new RateLimitExceededError('slower')],
  [429, new LlmRateLimitError('slower')],
  [499, new LlmAbortedError('left')],
  [500, new CallbacksConfigurationError('secret mistake')],
  [500, new LlmModelNotFoundError('secret mistake', { reason: 'The model x does not exist' })],
  [500, new LimitKeyMissingError('secret mistake')],
  [500, new UnknownPriceError('secret mistake')],
  [500, new MaxStepsExceededError('secret mistake', [])],
  [500, new ToolExecutionError('secret mistake')],
  [502, new LlmAuthenticationError('key')],
  [502, new LlmPermissionError('model')],
  [502, new LlmBillingError('no balance', { reason: 'Your balance is 0' })],
  [502, new LlmServerError('down')],
  [502, new LlmConnectionError('gone')],
  [502, new LlmResponseError('malformed')],
  [502, new SchemaValidationError('unfit')],
  [503, new LlmOverloadedError('full')],
  [503, new LimitStoreUnavailableError('away')],
  [504, new LlmTimeoutError('late')],
  [504, new CallbackTimeoutError('late')],
];

let thrown: Error;

@Controller()
class Failing {
  @Get('fail') fail() {
    throw thrown;
  }

  @Get('begun') begun(
    @Res() response: ServerResponse | { raw: ServerResponse },
    @Query('type') type: string,
  ) {
    const raw = 'raw' in response ? response.raw : response;
    raw.writeHead(200, { 'content-type': type });
    raw.write('data: first\n\n');
    throw thrown;
  }
}

const PLATFORMS = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};

async function listen(
  platform: keyof typeof PLATFORMS,
  provider: Provider = { provide: APP_FILTER, useClass: CallbacksExceptionFilter },
): Promise<string> {
  const module = await Test.createTestingModule({ controllers: [Failing], providers: [provider] })
    .setLogger(testLogger)
    .compile();
  const app = willClose(module.createNestApplication(PLATFORMS[platform]()));
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

describe.each(Object.keys(PLATFORMS) as (keyof typeof PLATFORMS)[])(
  'CallbacksExceptionFilter on %s',
  (platform) => {
    it('maps each error to its status, with the reason and whether to retry', async () => {
      const url = await listen(platform);
      for (const [statusCode, error] of ERRORS) {
        thrown = error;
        const response = await fetch(`${url}/fail`);
        const { name, code, retryable } = error;
        expect(response.status).toBe(statusCode);
        expect(await response.json()).toEqual({
          statusCode,
          error: name,
          code,
          retryable,
          message: statusCode === 500 ? 'Internal server error' : error.message,
        });
      }
    });

    it('logs an error of the application', async () => {
      const url = await listen(platform);
      thrown = new CallbacksConfigurationError('no model');
      await fetch(`${url}/fail`);
      expect(logs).toEqual([{ level: 'error', message: 'no model' }]);
    });

    it('logs an unknown price that no limiter has logged', async () => {
      const url = await listen(platform);
      thrown = new UnknownPriceError('no price');
      await fetch(`${url}/fail`);
      expect(logs).toEqual([{ level: 'error', message: 'no price' }]);
    });

    it.each([
      [1_500, '2'],
      [60_000, '60'],
      [0, '0'],
      [undefined, null],
      [Number.POSITIVE_INFINITY, null],
      [Number.NaN, null],
      [1e30, null],
      [-5_000, null],
    ])('sends the time to retry after: %s ms is Retry-After %s', async (retryAfterMs, header) => {
      const url = await listen(platform);
      thrown = new RateLimitExceededError('slower', { retryAfterMs });
      expect((await fetch(`${url}/fail`)).headers.get('retry-after')).toBe(header);
    });

    it('sends the error as the last event of a started event stream', async () => {
      const url = await listen(platform);
      thrown = new BudgetExceededError('spent');
      const headers = { accept: 'text/event-stream' };
      const text = await (await fetch(`${url}/begun?type=text/event-stream`, { headers })).text();
      const [first, last, rest] = text.split('\n\n');
      expect(first).toBe('data: first');
      expect(last).toMatch(
        /^event: failed\ndata: \{"statusCode":402,"error":"BudgetExceededError"/,
      );
      expect(rest).toBe('');
    });

    it('aborts any other started response', async () => {
      const url = await listen(platform);
      thrown = new LlmServerError('down');
      const reading = fetch(`${url}/begun?type=text/plain`).then((response) => response.text());
      // In the middle of the body, or before its first byte was sent.
      await expect(reading).rejects.toThrow(/terminated|fetch failed/);
    });

    it('does not handle errors of other kinds', async () => {
      const url = await listen(platform);
      thrown = new Error('not ours');
      const response = await fetch(`${url}/fail`);
      expect(await response.json()).toEqual({ statusCode: 500, message: 'Internal server error' });
    });

    it('works without being injected', async () => {
      const filter = { provide: APP_FILTER, useValue: new CallbacksExceptionFilter() };
      const url = await listen(platform, filter);
      thrown = new BudgetExceededError('spent');
      expect((await fetch(`${url}/fail`)).status).toBe(402);
    });
  },
);

describe('CallbacksExceptionFilter outside of HTTP', () => {
  const hostOf = (type: string) => ({ getType: () => type }) as unknown as ArgumentsHost;
  const error = new BudgetExceededError('spent');

  it('returns the JSON of the error to microservices', async () => {
    const given = new CallbacksExceptionFilter().catch(error, hostOf('rpc'));
    await expect(lastValueFrom(given as Observable<never>)).rejects.toEqual({
      name: 'BudgetExceededError',
      code: 'budget_exceeded',
      message: 'spent',
      retryable: false,
    });
  });

  it('rethrows the error in an unknown context', () => {
    expect(() => new CallbacksExceptionFilter().catch(error, hostOf('other'))).toThrow(error);
  });
});
