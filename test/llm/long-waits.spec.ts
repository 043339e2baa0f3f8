import { describe, expect, it } from '@jest/globals';
import {
  ask,
  errorOf,
  HELLO,
  json,
  METHODS,
  says,
  useBench,
  WIRES,
} from '../support/wire/index.js';

describe.each(WIRES)('A Retry-After of $name', (wire) => {
  const bench = useBench(wire, { llm: { maxRetries: 2 } });
  const limited = (after: string) =>
    json(wire.error({ type: 'rate_limit_error' }), 429, { 'retry-after': after });

  it.each(METHODS)('beyond the time of the call ends it at once, by %s', async (method) => {
    bench.server.answers(limited('3600'));
    const error = await errorOf(ask(bench.llm, method, 'Hi', { timeoutMs: 60_000 }));
    expect(error).toMatchObject({
      name: 'LlmRateLimitError',
      retryable: true,
      retryAfterMs: 3_600_000,
      reason: 'It went wrong.',
    });
    expect(bench.server.exchanges).toHaveLength(1);
  });

  it.each(METHODS)('beyond what timers can wait ends the call at once, by %s', async (method) => {
    bench.server.answers(limited('9999999'), says(wire, method, HELLO));
    expect(await errorOf(ask(bench.llm, method))).toMatchObject({ retryAfterMs: 9_999_999_000 });
    expect(bench.server.exchanges).toHaveLength(1);
  });

  it.each(METHODS)('within the time of the call is waited for, by %s', async (method) => {
    const soon = json(wire.error({ type: 'rate_limit_error' }), 429, { 'retry-after-ms': '1' });
    bench.server.answers(soon, says(wire, method, HELLO));
    expect(await ask(bench.llm, method, 'Hi', { timeoutMs: 60_000 })).toMatchObject({
      text: 'Hello, world',
    });
    expect(bench.server.exchanges).toHaveLength(2);
  });
});
