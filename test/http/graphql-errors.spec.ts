import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, NotFoundException } from '@nestjs/common';
import { APP_FILTER, ExternalContextCreator } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  BudgetExceededError,
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksExceptionFilter,
  RateLimitExceededError,
} from 'nestjs-llm-callbacks';
import { closeApps, willClose } from '../support/app.js';
import { logs, testLogger } from '../support/logs.js';

afterEach(closeApps);

let thrown: Error;

@Injectable()
class Resolver {
  resolve() {
    throw thrown;
  }
}

/** What a GraphQL server gets from a resolver: it reports `message` and `extensions`. */
async function resolve(): Promise<unknown> {
  const module = await Test.createTestingModule({
    providers: [Resolver, { provide: APP_FILTER, useClass: CallbacksExceptionFilter }],
  })
    .setLogger(testLogger)
    .compile();
  const resolver = willClose(module).get(Resolver);
  const none = undefined;
  const field = module.get(ExternalContextCreator).create(
    resolver,
    // oxlint-disable-next-line typescript/unbound-method -- Nest calls it on the resolver
    resolver.resolve,
    'resolve',
    none,
    none,
    none,
    none,
    none,
    'graphql',
  );
  return field(none, {}, {}, {}).catch((error: unknown) => error);
}

describe('CallbacksExceptionFilter with GraphQL', () => {
  it.each([
    [new CallbackAbort('Closed.'), { code: 'callback_abort', error: 'CallbackAbort' }],
    [new BudgetExceededError('Spent.'), { code: 'budget_exceeded', error: 'BudgetExceededError' }],
    [
      new RateLimitExceededError('Slower.', { retryAfterMs: 1_500 }),
      {
        code: 'rate_limit_exceeded',
        error: 'RateLimitExceededError',
        retryable: true,
        retryAfter: 2,
      },
    ],
  ])('returns the code and other public fields as extensions: %s', async (error, extensions) => {
    thrown = error;
    const given = await resolve();

    expect(given).toMatchObject({ name: error.name, message: error.message, cause: error });
    expect(given).toHaveProperty('extensions', { retryable: false, ...extensions });
    expect(logs).toEqual([]);
  });

  it('logs an error of the application, and does not send it, not even in the stack', async () => {
    thrown = new CallbacksConfigurationError('secret mistake');
    const given = (await resolve()) as Error;

    expect(given).toMatchObject({
      message: 'Internal server error',
      extensions: { code: 'configuration' },
    });
    expect(given.stack).not.toContain('secret');
    expect(Object.keys(given)).not.toContain('cause');
    expect(logs).toEqual([{ level: 'error', message: 'secret mistake' }]);
  });

  it('does not handle errors of other kinds', async () => {
    thrown = new NotFoundException('No such order.');
    expect(await resolve()).toBe(thrown);
  });
});
