import { describe, expect, it } from '@jest/globals';
import {
  LlmAuthenticationError,
  LlmContentFilterError,
  LlmContextLengthError,
  LlmInvalidRequestError,
  LlmOverloadedError,
  LlmPermissionError,
  LlmRateLimitError,
  LlmServerError,
  LlmTimeoutError,
  type CallbacksError,
} from 'nestjs-llm-callbacks';
import {
  ask,
  costOf,
  errorOf,
  events,
  json,
  METHODS,
  useBench,
  WIRES,
  type WireError,
} from '../../support/wire/index.js';

type ErrorClass = new (message: string) => CallbacksError;
interface Row {
  status: number;
  says: WireError;
  is: ErrorClass;
  retryable?: boolean;
}

const SHARED: Row[] = [
  { status: 400, says: { type: 'invalid_request_error' }, is: LlmInvalidRequestError },
  { status: 401, says: { type: 'authentication_error' }, is: LlmAuthenticationError },
  { status: 403, says: { type: 'permission_error' }, is: LlmPermissionError },
  { status: 404, says: { type: 'not_found_error' }, is: LlmInvalidRequestError },
  { status: 408, says: { type: 'timeout_error' }, is: LlmTimeoutError, retryable: true },
  { status: 409, says: { type: 'invalid_request_error' }, is: LlmInvalidRequestError },
  { status: 413, says: { type: 'request_too_large' }, is: LlmContextLengthError },
  { status: 422, says: { type: 'invalid_request_error' }, is: LlmInvalidRequestError },
  { status: 429, says: { type: 'rate_limit_error' }, is: LlmRateLimitError, retryable: true },
  { status: 500, says: { type: 'api_error' }, is: LlmServerError, retryable: true },
  { status: 502, says: { type: 'api_error' }, is: LlmServerError, retryable: true },
  { status: 503, says: { type: 'overloaded_error' }, is: LlmOverloadedError, retryable: true },
  { status: 529, says: { type: 'overloaded_error' }, is: LlmOverloadedError, retryable: true },
];

/** Errors that only one of the providers sends. */
const OWN: Record<'openai' | 'anthropic', Row[]> = {
  openai: [
    {
      status: 400,
      says: { type: 'invalid_request_error', code: 'context_length_exceeded' },
      is: LlmContextLengthError,
    },
    {
      status: 400,
      says: { type: 'invalid_request_error', code: 'content_filter' },
      is: LlmContentFilterError,
    },
    {
      status: 400,
      says: { type: 'invalid_request_error', code: 'content_policy_violation' },
      is: LlmContentFilterError,
    },
    {
      status: 429,
      says: { type: 'insufficient_quota', code: 'insufficient_quota' },
      is: LlmRateLimitError,
      retryable: false,
    },
  ],
  anthropic: [
    {
      status: 400,
      says: {
        type: 'invalid_request_error',
        message: 'prompt is too long: 210000 tokens > 200000 maximum',
      },
      is: LlmContextLengthError,
    },
    {
      status: 400,
      says: {
        type: 'invalid_request_error',
        message: 'Output blocked by content filtering policy',
      },
      is: LlmContentFilterError,
    },
  ],
};

/** Errors that arrive after the headers of a successful response. */
const IN_STREAM: Row[] = [
  { status: 200, says: { type: 'overloaded_error' }, is: LlmOverloadedError, retryable: true },
  { status: 200, says: { type: 'rate_limit_error' }, is: LlmRateLimitError, retryable: true },
  { status: 200, says: { type: 'api_error' }, is: LlmServerError, retryable: true },
  { status: 200, says: { type: 'server_error' }, is: LlmServerError, retryable: true },
  { status: 200, says: { type: 'unknown_type' }, is: LlmServerError, retryable: true },
  { status: 200, says: { type: 'invalid_request_error' }, is: LlmInvalidRequestError },
];

describe.each(WIRES)('An error of $name', (wire) => {
  const bench = useBench(wire);
  const rows = [...SHARED, ...OWN[wire.provider]].map((row) => ({
    ...row,
    name: `${row.status} ${row.says.code ?? row.says.message ?? row.says.type} is ${row.is.name}`,
  }));

  describe.each(METHODS)('that answers %s', (method) => {
    it.each(rows)('$name', async ({ status, says, is, retryable = false }) => {
      const headers = { [wire.requestIdHeader]: 'req_1' };
      bench.server.answers(json(wire.error(says), status, headers));
      const error = await errorOf(ask(bench.llm, method, 'A secret prompt'));

      expect(error.constructor).toBe(is);
      expect(error).toMatchObject({ name: is.name, status, retryable, requestId: 'req_1' });
      expect(error.cause).toMatchObject({ status });
      expect(error.message).not.toMatch(/secret prompt|test-key/);
      expect(bench.recording.of('llm.error')).toMatchObject([
        {
          error,
          aborted: false,
          text: '',
          cost: 0,
          attempts: [{ provider: wire.provider, error }],
        },
      ]);
      expect(bench.server.exchanges).toHaveLength(1);
    });
  });

  it.each([
    ['retry-after-ms', '1500', 1_500],
    ['retry-after', '2', 2_000],
  ])('reports the time to wait: %s', async (header, value, retryAfterMs) => {
    bench.server.answers(json(wire.error({ type: 'rate_limit_error' }), 429, { [header]: value }));
    expect(await errorOf(bench.llm.generate('Hi'))).toMatchObject({ retryAfterMs });
  });

  it.each(IN_STREAM)(
    'inside a stream fails it with the partial text: $says.type',
    async ({ says, is, retryable = false }) => {
      bench.server.answers(events(wire.opening, wire.text('Hello'), wire.streamError(says)));
      const error = await errorOf(ask(bench.llm, 'stream'));

      expect(error.constructor).toBe(is);
      expect(error.retryable).toBe(retryable);
      const [event] = bench.recording.of('llm.error');
      expect(event).toMatchObject({ error, aborted: false, text: 'Hello' });
      expect(event!.usage.outputTokens).toBeGreaterThan(0);
      expect(event!.cost).toBeCloseTo(costOf(wire, event!.usage), 12);
      expect(bench.costs.totalCost).toBe(event!.cost);
      expect(event!.attempts).toMatchObject([{ error, usage: event!.usage, cost: event!.cost }]);
    },
  );
});
