import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import {
  CallbackAbort,
  LlmConnectionError,
  LlmOverloadedError,
  LlmRateLimitError,
  LlmServerError,
  LlmTimeoutError,
  type CallbacksError,
} from 'nestjs-llm-callbacks';
import {
  ask,
  costOf,
  errorOf,
  failsOnce,
  hangUp,
  HELLO,
  METHODS,
  says,
  silence,
  useBench,
  WIRES,
  type Serve,
  type WireFormat,
} from '../../support/wire/index.js';

type ErrorClass = new (message: string) => CallbacksError;

const FAILURES: [string, (wire: WireFormat) => Serve, ErrorClass][] = [
  ['429', (wire) => failsOnce(wire, 429, { type: 'rate_limit_error' }), LlmRateLimitError],
  ['500', (wire) => failsOnce(wire, 500, { type: 'api_error' }), LlmServerError],
  ['529', (wire) => failsOnce(wire, 529, { type: 'overloaded_error' }), LlmOverloadedError],
  ['408', (wire) => failsOnce(wire, 408, { type: 'timeout_error' }), LlmTimeoutError],
  ['a lost connection', () => hangUp, LlmConnectionError],
];

describe.each(WIRES)('A call of $name that the SDK retries', (wire) => {
  const bench = useBench(wire, { llm: { maxRetries: 2 } });
  const overloaded = failsOnce(wire, 529, { type: 'overloaded_error' });

  describe.each(METHODS)('by %s', (method) => {
    it.each(FAILURES)('emits the retry after %s, and is one call', async (_name, fails, is) => {
      bench.server.answers(fails(wire), says(wire, method, HELLO));
      const response = await ask(bench.llm, method);

      const [retry, ...others] = bench.recording.of('llm.retry');
      expect(others).toEqual([]);
      expect(retry!.attempt).toBe(1);
      expect(retry!.error).toBeInstanceOf(is);
      expect(retry!.delayMs).toBeGreaterThanOrEqual(0);
      expect(response.attempts).toMatchObject([
        { provider: wire.provider, model: wire.model, error: retry!.error },
        { provider: wire.provider, model: wire.model, usage: response.usage, cost: response.cost },
      ]);
      expect(response.attempts[1]!.error).toBeUndefined();
      expect(response.cost).toBeCloseTo(costOf(wire, response.usage), 12);
      expect(bench.costs).toMatchObject({ requestCount: 1, totalTokens: 1_500 });
      expect(bench.server.exchanges).toHaveLength(2);
    });

    it('emits every retry, and fails with the last error', async () => {
      bench.server.answers(
        failsOnce(wire, 429, { type: 'rate_limit_error' }),
        failsOnce(wire, 500, { type: 'api_error' }),
        overloaded,
      );
      const error = await errorOf(ask(bench.llm, method));
      expect(error).toBeInstanceOf(LlmOverloadedError);
      expect(bench.recording.of('llm.retry')).toMatchObject([
        { attempt: 1, error: { name: 'LlmRateLimitError', status: 429 } },
        { attempt: 2, error: { name: 'LlmServerError', status: 500 } },
      ]);
      const [event] = bench.recording.of('llm.error');
      expect(event!.attempts.map((attempt) => attempt.error?.name)).toEqual([
        'LlmRateLimitError',
        'LlmServerError',
        'LlmOverloadedError',
      ]);
      expect(bench.costs).toMatchObject({ requestCount: 1, totalCost: 0 });
    });

    it('does not wait for retry handlers, not even at the end', async () => {
      bench.server.answers(overloaded, says(wire, method, HELLO));
      const hook = { onLlmRetry: () => new Promise(() => {}) };
      expect((await ask(bench.llm, method, 'Hi', { callbacks: [hook] })).text).toBe('Hello, world');
      expect(bench.recording.of('llm.retry')).toHaveLength(1);
    });

    it('cannot be stopped by a retry handler', async () => {
      bench.server.answers(overloaded, says(wire, method, HELLO));
      const error = new CallbackAbort('No more.');
      const hook = {
        onLlmRetry: () => {
          throw error;
        },
      };
      expect((await ask(bench.llm, method, 'Hi', { callbacks: [hook] })).text).toBe('Hello, world');
      expect(bench.recording.of('callback.error')).toMatchObject([{ error }]);
    });

    it('fails at once when it is aborted between two attempts', async () => {
      const patient = { 'retry-after-ms': '50000' };
      bench.server.answers(({ response }) => {
        response.writeHead(529, { 'content-type': 'application/json', ...patient });
        response.end(JSON.stringify(wire.error({ type: 'overloaded_error' })));
      });
      const aborter = new AbortController();
      const call = errorOf(ask(bench.llm, method, 'Hi', { signal: aborter.signal }));
      await (
        await bench.server.exchange(0)
      ).aborted;
      aborter.abort('enough');
      expect(await call).toMatchObject({ name: 'AbortError', cause: 'enough' });
      expect(bench.recording.of('llm.retry')).toEqual([]);
    });
  });
});

describe.each(WIRES)("The SDK's own timeout for $name", (wire) => {
  const bench = useBench(wire, { llm: { maxRetries: 1, timeout: 600 } });

  it.each(METHODS)('is an attempt that is reported, by %s', async (method) => {
    bench.server.answers(silence, says(wire, method, HELLO));
    expect((await ask(bench.llm, method)).text).toBe('Hello, world');
    expect(bench.recording.of('llm.retry')).toMatchObject([
      { attempt: 1, error: { name: 'LlmTimeoutError' } },
    ]);
  });

  it('is not consumed by slow handlers', async () => {
    bench.server.answers(
      failsOnce(wire, 500, { type: 'api_error' }),
      says(wire, 'generate', HELLO),
    );
    const handled: Promise<void>[] = [];
    const slow = () => handled[handled.push(delay(700)) - 1];
    const hook = { onLlmStart: slow, onLlmRetry: slow };
    const { attempts } = await bench.llm.generate('Hi', { callbacks: [hook] });
    expect(attempts).toHaveLength(2);
    expect(await Promise.all(handled)).toHaveLength(2);
  });
});
