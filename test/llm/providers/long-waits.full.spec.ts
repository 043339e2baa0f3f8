import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { compileLibrary } from '../../support/second-process/compile.js';
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

const ABORTED_WAIT = join(process.cwd(), 'test/support/second-process/aborted-wait.mjs');

describe.each(WIRES)('A Retry-After of $name', (wire) => {
  const bench = useBench(wire, { llm: { maxRetries: 2 } });
  const limited = (after: string) =>
    json(wire.error({ type: 'rate_limit_error' }), 429, { 'retry-after': after });

  it.each(METHODS)('beyond the timeout of the call fails it at once, by %s', async (method) => {
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

  it.each(METHODS)('beyond the maximum of timers fails the call at once, by %s', async (method) => {
    bench.server.answers(limited('9999999'), says(wire, method, HELLO));
    expect(await errorOf(ask(bench.llm, method))).toMatchObject({ retryAfterMs: 9_999_999_000 });
    expect(bench.server.exchanges).toHaveLength(1);
  });

  it.each(METHODS)('within the timeout of the call is awaited, by %s', async (method) => {
    const soon = json(wire.error({ type: 'rate_limit_error' }), 429, { 'retry-after-ms': '1' });
    bench.server.answers(soon, says(wire, method, HELLO));
    expect(await ask(bench.llm, method, 'Hi', { timeoutMs: 60_000 })).toMatchObject({
      text: 'Hello, world',
    });
    expect(bench.server.exchanges).toHaveLength(2);
  });

  it.each(METHODS)('that was awaited is reported by the retry, by %s', async (method) => {
    const soon = (ms: string) =>
      json(wire.error({ type: 'rate_limit_error' }), 429, { 'retry-after-ms': ms });
    bench.server.answers(soon('30'), soon('20'), soon('10'));
    const error = await errorOf(ask(bench.llm, method));
    expect(error).toMatchObject({ name: 'LlmRateLimitError', retryAfterMs: 10 });
    const retries = bench.recording.of('llm.retry');
    expect(retries.map((retry) => retry.error)).toMatchObject([
      { retryAfterMs: 30 },
      { retryAfterMs: 20 },
    ]);
    for (const [i, least] of [30, 20].entries())
      expect(retries[i]!.delayMs).toBeGreaterThanOrEqual(least - 1);
  });
});

describe('A wait for Retry-After', () => {
  it('ends with its call, so that no timer keeps the process alive', async () => {
    const library = await compileLibrary();
    const child = fork(ABORTED_WAIT, [library.folder], { execArgv: [], silent: true });
    try {
      const exited = once(child, 'exit');
      const [names] = (await Promise.race([once(child, 'message'), exited])) as unknown[];
      expect(names).toEqual(Array.from({ length: 6 }, () => 'AbortError'));
      expect(await exited).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
      library.remove();
    }
  });
});
