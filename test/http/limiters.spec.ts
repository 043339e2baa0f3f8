import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, type ArgumentsHost } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { lastValueFrom, type Observable } from 'rxjs';
import {
  CallbacksExceptionFilter,
  CallbacksModule,
  CostLimiter,
  LimitKeyMissingError,
  LlmService,
  MemoryLimitStore,
  RateLimiter,
  type CallbacksModuleOptions,
} from 'nestjs-llm-callbacks';
import { closeApps, willClose } from '../support/app.js';
import { MeteredLlm, PRICES } from '../support/limited.js';
import { logs, testLogger } from '../support/logs.js';

afterEach(closeApps);

@Controller()
class Desk {
  constructor(private readonly llm: LlmService) {}

  @Get('ask') async ask() {
    return (await this.llm.generate('x'.repeat(800), { maxOutputTokens: 10 })).text;
  }
}

const PLATFORMS = { Express: () => new ExpressAdapter(), Fastify: () => new FastifyAdapter() };

const AWAY = Object.assign(new MemoryLimitStore(), {
  reserve: () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.5')),
});

describe.each(Object.keys(PLATFORMS) as (keyof typeof PLATFORMS)[])(
  'Rejections of limiters over HTTP, on %s',
  (platform) => {
    async function listen(limiter: object, options: CallbacksModuleOptions = { prices: PRICES }) {
      const llm = { provider: new MeteredLlm(), model: 'fake' };
      const module = await Test.createTestingModule({
        imports: [CallbacksModule.forRoot({ llm, callbacks: [limiter], ...options })],
        controllers: [Desk],
        providers: [{ provide: APP_FILTER, useClass: CallbacksExceptionFilter }],
      })
        .setLogger(testLogger)
        .compile();
      const app = willClose(module.createNestApplication(PLATFORMS[platform]()));
      await app.listen(0, '127.0.0.1');
      return `${await app.getUrl()}/ask`;
    }

    async function ask(url: string) {
      const response = await fetch(url);
      return [response.status, await response.json(), response.headers.get('retry-after')] as const;
    }

    it.each([
      [
        'LimitKeyMissingError',
        'limit_key_missing',
        () => new CostLimiter({ maxCost: 1, per: 'user' }),
        {},
        /^CostLimiter: the call has no userId/,
      ],
      [
        'UnknownPriceError',
        'unknown_price',
        () => new CostLimiter({ maxCost: 1 }),
        { prices: {} },
        /^CostLimiter: the price of fake\/fake is not known/,
      ],
    ] as const)(
      'do not contain the hint for developers, which is logged once: %s',
      async (...row) => {
        const [name, code, makeLimiter, options, advice] = row;
        const url = await listen(makeLimiter(), options);
        for (let i = 0; i < 3; i++) {
          const [status, body] = await ask(url);
          expect([status, body]).toEqual([
            500,
            {
              statusCode: 500,
              error: name,
              code,
              message: 'Internal server error',
              retryable: false,
            },
          ]);
        }
        expect(logs).toEqual([{ level: 'error', message: expect.stringMatching(advice) }]);
      },
    );

    it('are 503 while the store is unavailable, without its error message', async () => {
      const url = await listen(new RateLimiter({ requestsPerMinute: 1, store: AWAY }));
      expect(await ask(url)).toEqual([
        503,
        {
          statusCode: 503,
          error: 'LimitStoreUnavailableError',
          code: 'limit_store_unavailable',
          message: 'RateLimiter: its store cannot be used at the moment; try again later.',
          retryable: true,
        },
        null,
      ]);
    });

    it('report when to retry, or that a retry is useless', async () => {
      const url = await listen(new RateLimiter({ requestsPerMinute: 1 }));
      await fetch(url);
      const [status, body, retryAfter] = await ask(url);
      expect([status, body]).toMatchObject([429, { retryable: true }]);
      expect(Number(retryAfter)).toBeGreaterThan(0);

      const never = await ask(await listen(new RateLimiter({ tokensPerMinute: 99 })));
      expect(never).toMatchObject([
        429,
        {
          message:
            'RateLimiter: the call may use up to 814 tokens; limit 99 tokens, used 0 tokens, reserved 0 tokens (99 tokens a minute). It needs at least 100 tokens, so it can never fit.',
          retryable: false,
        },
        null,
      ]);
    });
  },
);

describe('The developer hint of a limiter outside of HTTP', () => {
  const error = new LimitKeyMissingError('advice', { limiter: 'CostLimiter' });
  const JSON_OF_ERROR = {
    name: 'LimitKeyMissingError',
    code: 'limit_key_missing',
    message: 'Internal server error',
    retryable: false,
  };

  it('is not sent to another service', async () => {
    const host = { getType: () => 'rpc' } as unknown as ArgumentsHost;
    const given = new CallbacksExceptionFilter().catch(error, host) as Observable<never>;
    await expect(lastValueFrom(given)).rejects.toEqual(JSON_OF_ERROR);
  });

  it('is not sent to a WebSocket client', () => {
    const sent: unknown[] = [];
    const client = { emit: (...args: unknown[]) => sent.push(args) };
    const host = {
      getType: () => 'ws',
      switchToWs: () => ({ getClient: () => client }),
    } as unknown as ArgumentsHost;
    new CallbacksExceptionFilter().catch(error, host);
    expect(sent).toEqual([['exception', JSON_OF_ERROR]]);
  });
});
