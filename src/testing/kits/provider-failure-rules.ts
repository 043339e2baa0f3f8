import assert from 'node:assert/strict';
import { LlmError } from '../../index.js';
import {
  isChunk,
  methodsOf,
  rejection,
  type AddProviderTest,
  type ProviderKitOptions,
} from './provider-bench.js';
import { errorOf } from './provider-replies.js';
import type { ScriptedErrorCode } from './provider-server.js';

/** The errors that every server distinguishes, by their status. */
const COMMON: readonly ScriptedErrorCode[] = [
  'authentication',
  'permission',
  'rate_limit',
  'invalid_request',
  'server_error',
  'overloaded',
];
const RETRYABLE: ReadonlySet<string> = new Set([
  'rate_limit',
  'server_error',
  'overloaded',
  'timeout',
  'connection',
  'invalid_response',
]);

export function testErrors(test: AddProviderTest, options: ProviderKitOptions): void {
  const codes = new Set([...COMMON, ...(options.errors ?? [])]);
  for (const method of methodsOf(options)) {
    for (const code of codes) {
      test(method, `an error of the kind ${code} is an LlmError with this code`, async (bench) => {
        bench.fail(code);
        const error = await bench.errorOf(method);
        assertCode(error, code);
        const { status } = errorOf(code);
        if (options.statuses ?? true)
          assert.equal(error.status, status, 'The error has the status.');
        assert.equal(bench.server.requests.length, 1, 'With `maxRetries: 0`, one request is sent.');
        assert.deepEqual(bench.retries, [], 'With `maxRetries: 0`, no retry is reported.');
      });
    }

    test(
      method,
      'the wait that a server asks for is the retryAfterMs of the error',
      async (bench) => {
        bench.fail('rate_limit', 2_000);
        assert.equal((await bench.errorOf(method)).retryAfterMs, 2_000);
      },
    );

    test(
      method,
      'an answer in another format is an error with the code invalid_response',
      async (bench) => {
        bench.fault(method, 'malformed');
        assertCode(await bench.errorOf(method), 'invalid_response');
      },
    );

    test(method, 'a lost connection is an error with the code connection', async (bench) => {
      bench.fault(method, 'lost');
      assertCode(await bench.errorOf(method), 'connection');
    });
  }

  test('stream', 'a stream that is cut fails, and has no result', async (bench) => {
    bench.answer('stream', { text: ['One ', 'two '], ending: 'lost' });
    const error = await bench.errorOf('stream');
    assertCode(error, 'connection', 'invalid_response');
  });

  if (!options.streamErrors) return;
  test(
    'stream',
    'an error inside a stream is an LlmError of its kind, after the chunks',
    async (bench) => {
      bench.answer('stream', { text: ['One ', 'two '], ending: errorOf('overloaded') });
      const reader = bench.reader();
      const read: string[] = [];
      const failing = (async () => {
        for (let item = await reader.next(); item !== undefined; item = await reader.next())
          if (isChunk(item) && item.type === 'text') read.push(item.text);
      })();
      assertCode(await rejection(failing), 'overloaded', 'server_error');
      assert.equal(read.join(''), 'One two ');
    },
  );
}

export function testAborts(test: AddProviderTest, options: ProviderKitOptions): void {
  for (const method of methodsOf(options)) {
    test(method, 'an aborted signal cancels the request, and the call fails', async (bench) => {
      const aborter = new AbortController();
      bench.fault(method, 'silence');
      const failing = bench.errorOf(method, { signal: aborter.signal });
      failing.catch(() => undefined);
      await bench.received();
      aborter.abort(new Error('The caller aborts.'));
      await bench.aborted();
      await failing;
      assert.equal(bench.server.requests.length, 1, 'An aborted request is not repeated.');
    });

    test(method, 'no request is sent if the signal is aborted already', async (bench) => {
      bench.succeed(method);
      await bench.errorOf(method, { signal: AbortSignal.abort(new Error('Too late.')) });
      assert.equal(bench.server.requests.length, 0, 'A request was sent.');
    });
  }

  test('stream', 'an aborted signal cancels a stream that is being read', async (bench) => {
    const aborter = new AbortController();
    bench.answer('stream', { text: ['One ', 'two '], ending: 'stall' });
    const reader = bench.reader({}, { signal: aborter.signal });
    const failing = rejection(
      (async () => {
        while ((await reader.next()) !== undefined)
          if (!aborter.signal.aborted) aborter.abort(new Error('The caller aborts.'));
      })(),
    );
    failing.catch(() => undefined);
    await bench.aborted();
    await failing;
  });

  test('stream', 'a reader that leaves cancels the request', async (bench) => {
    bench.answer('stream', { text: ['One ', 'two '], ending: 'stall' });
    const reader = bench.reader();
    assert.notEqual(await reader.next(), undefined);
    await reader.leave();
    await bench.aborted();
  });
}

export function testRetries(test: AddProviderTest, options: ProviderKitOptions): void {
  for (const method of methodsOf(options)) {
    test(
      method,
      'a retry is reported by onRetry, with the error of the failed request',
      async (bench) => {
        bench.fail('overloaded', 1);
        const content = bench.succeed(method);
        assert.deepEqual(await bench.call(method, { maxRetries: 1 }), content);
        assert.equal(bench.server.requests.length, 2);
        assert.equal(
          bench.retries.length,
          1,
          'onRetry is called once for each attempt after the first.',
        );
        const [{ error, delayMs }] = bench.retries as [(typeof bench.retries)[0]];
        assertCode(error, 'overloaded');
        assert.ok(
          delayMs >= 0 && Number.isFinite(delayMs),
          '`delayMs` is a number of milliseconds.',
        );
      },
    );

    test(method, 'no more than `maxRetries` retries are made', async (bench) => {
      for (let i = 0; i < 3; i++) bench.fail('overloaded', 1);
      assertCode(await bench.errorOf(method, { maxRetries: 1 }), 'overloaded');
      assert.equal(bench.server.requests.length, 2);
    });

    test(method, 'an error that is not retryable is not retried', async (bench) => {
      bench.fail('invalid_request');
      assertCode(await bench.errorOf(method, { maxRetries: 1 }), 'invalid_request');
      assert.deepEqual([bench.server.requests.length, bench.retries.length], [1, 0]);
    });
  }
}

function assertCode(error: Error, ...codes: readonly string[]): void {
  assert.ok(
    error instanceof LlmError,
    `The error must be an LlmError with the code ${codes.join(' or ')}, but is ${error.name}: ${error.message}`,
  );
  assert.ok(
    codes.includes(error.code),
    `The error must have the code ${codes.join(' or ')}, but has ${error.code}: ${error.message}`,
  );
  const isRetryable = RETRYABLE.has(error.code);
  assert.equal(error.retryable, isRetryable, `\`retryable\` must be ${isRetryable}.`);
}
