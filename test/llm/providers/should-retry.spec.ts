import { describe, expect, it } from '@jest/globals';
import { RetryInterceptor } from 'nestjs-llm-callbacks';
import {
  ask,
  errorOf,
  HELLO,
  json,
  METHODS,
  says,
  useBench,
  WIRES,
} from '../../support/wire/index.js';

describe.each(WIRES)('The header x-should-retry of $name', (wire) => {
  const bench = useBench(wire, {
    callbacks: [new RetryInterceptor({ maxRetries: 2, initialDelayMs: 0 })],
  });
  const failure = (status: number, type: string, advice: string) =>
    json(wire.error({ type }), status, { 'x-should-retry': advice });

  it.each(METHODS)('false: the request is not sent again, by %s', async (method) => {
    bench.server.answers(failure(500, 'api_error', 'false'), says(wire, method, HELLO));
    expect(await errorOf(ask(bench.llm, method))).toMatchObject({
      name: 'LlmServerError',
      retryable: false,
    });
    expect(bench.server.exchanges).toHaveLength(1);
  });

  it.each(METHODS)('true: the request is sent again, by %s', async (method) => {
    bench.server.answers(failure(409, 'conflict', 'true'), says(wire, method, HELLO));
    expect(await ask(bench.llm, method)).toMatchObject({ text: 'Hello, world' });
    expect(bench.server.exchanges).toHaveLength(2);
  });

  it('true: an account without balance still fails', async () => {
    bench.server.answers(failure(402, 'billing_error', 'true'));
    expect(await errorOf(bench.llm.generate('Hi'))).toMatchObject({
      name: 'LlmBillingError',
      retryable: false,
    });
  });
});
