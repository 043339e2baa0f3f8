import { describe, expect, it } from '@jest/globals';
import {
  LlmContentFilterError,
  LlmContextLengthError,
  LlmInvalidRequestError,
  LlmOverloadedError,
  LlmRateLimitError,
  LlmResponseError,
  LlmServerError,
  type CallbacksError,
  type FinishReason,
  type Usage,
} from 'nestjs-llm-callbacks';
import {
  ask,
  costOf,
  errorOf,
  events,
  HELLO,
  json,
  METHODS,
  useBench,
  type Method,
} from '../../support/wire/index.js';
import {
  messageItem,
  responseFrame,
  responseOf,
  responses,
  responsesUsage,
} from '../../support/wire/responses.js';

/** An answer with custom fields in the response. */
function answers(method: Method, fields: object) {
  const response = responseOf({
    status: 'completed',
    output: [messageItem('Hello')],
    ...fields,
  });
  if (method === 'generate') return json(response);
  const end = responseFrame({ type: `response.${String(response['status'])}`, response });
  return events(responses.opening, responses.text('Hello'), end);
}

const NONE = {
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  source: 'provider',
} as const;

const USAGES: { what: string; sent: object; is: Partial<Usage> }[] = [
  {
    what: 'plain counts',
    sent: { input_tokens: 100, output_tokens: 20, total_tokens: 120 },
    is: { ...NONE, inputTokens: 100, outputTokens: 20, totalTokens: 120 },
  },
  {
    what: 'cached and written input, which its input counts too',
    sent: {
      input_tokens: 100,
      output_tokens: 20,
      input_tokens_details: { cached_tokens: 64, cache_write_tokens: 8 },
    },
    is: { ...NONE, inputTokens: 100, cachedInputTokens: 64, cacheWriteTokens: 8, totalTokens: 120 },
  },
  {
    what: 'reasoning, which its output counts too',
    sent: {
      input_tokens: 100,
      output_tokens: 20,
      output_tokens_details: { reasoning_tokens: 16 },
    },
    is: { ...NONE, inputTokens: 100, outputTokens: 20, reasoningTokens: 16, totalTokens: 120 },
  },
  {
    what: 'what is null by an estimate, and ignores nonsense',
    sent: {
      input_tokens: 100,
      output_tokens: null,
      input_tokens_details: { cached_tokens: -1 },
      output_tokens_details: null,
    },
    is: { ...NONE, inputTokens: 100, outputTokens: 2, totalTokens: 102, source: 'estimated' },
  },
];

const ENDS: [object, FinishReason][] = [
  [{ status: 'completed' }, 'stop'],
  [{ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, 'length'],
  [{ status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, 'content-filter'],
  [{ status: 'incomplete', incomplete_details: { reason: 'a_new_one' } }, 'other'],
  [{ status: 'incomplete', incomplete_details: null }, 'other'],
];

const FAILURES: [string, new (message: string) => CallbacksError, boolean][] = [
  ['server_error', LlmServerError, true],
  ['rate_limit_exceeded', LlmRateLimitError, true],
  ['insufficient_quota', LlmRateLimitError, false],
  ['server_is_overloaded', LlmOverloadedError, true],
  ['context_length_exceeded', LlmContextLengthError, false],
  ['invalid_prompt', LlmInvalidRequestError, false],
  ['image_content_policy_violation', LlmContentFilterError, false],
  ['a_new_one', LlmServerError, true],
];

describe.each(METHODS)('An answer of the Responses API, by %s,', (method) => {
  const bench = useBench(responses);

  it.each(USAGES)('counts $what', async ({ sent, is }) => {
    bench.server.answers(answers(method, { usage: sent }));
    expect((await ask(bench.llm, method)).usage).toMatchObject(is);
  });

  it.each(ENDS)('that ends with %j has the finish reason "%s"', async (end, finishReason) => {
    bench.server.answers(answers(method, end));
    expect(await ask(bench.llm, method)).toMatchObject({ text: 'Hello', finishReason });
  });

  it.each(FAILURES)('that failed with %s fails the call', async (code, is, retryable) => {
    const error = { code, message: 'A secret prompt failed.' };
    const usage = responsesUsage({ input: 1_000, output: 500 });
    bench.server.answers(answers(method, { status: 'failed', error, usage }));
    const thrown = await errorOf(ask(bench.llm, method));
    expect(thrown.constructor).toBe(is);
    expect(thrown).toMatchObject({ retryable, cause: { message: error.message } });
    expect(thrown.message).not.toContain('secret');
    const text = method === 'stream' ? 'Hello' : '';
    expect(bench.recording.of('llm.error')).toMatchObject([{ error: thrown, text }]);
  });

  it('that failed without a reason fails the call', async () => {
    bench.server.answers(answers(method, { status: 'failed' }));
    expect(await errorOf(ask(bench.llm, method))).toBeInstanceOf(LlmServerError);
  });

  it('can contain a refusal, which is its text', async () => {
    const refusal = 'I cannot help with that.';
    const item = messageItem('', { content: [{ type: 'refusal', refusal }] });
    bench.server.answers(
      method === 'generate'
        ? answers(method, { output: [item] })
        : events(
            responseFrame({ type: 'response.refusal.delta', output_index: 0, delta: refusal }),
            responseFrame({ type: 'response.output_item.done', output_index: 0, item }),
            responseFrame({
              type: 'response.completed',
              response: responseOf({ output: [item] }),
            }),
          ),
    );
    expect(await ask(bench.llm, method)).toMatchObject({
      text: refusal,
      finishReason: 'content-filter',
    });
  });

  it('has the text of all its messages', async () => {
    const output = [messageItem('Hello'), messageItem(', world')];
    bench.server.answers(
      method === 'generate'
        ? answers(method, { output })
        : events(
            responses.text('Hello'),
            responseFrame({ type: 'response.output_item.done', item: output[0] }),
            responses.text(', world'),
            responseFrame({ type: 'response.output_item.done', item: output[1] }),
            responseFrame({ type: 'response.completed', response: responseOf({ output }) }),
          ),
    );
    expect((await ask(bench.llm, method)).text).toBe('Hello, world');
  });
});

describe('An answer of the Responses API', () => {
  const bench = useBench(responses);

  it.each(['queued', 'in_progress', 'cancelled'])('is rejected while it is %s', async (status) => {
    bench.server.answers(answers('generate', { status, output: [] }));
    const error = await errorOf(bench.llm.generate('Hi'));
    expect(error).toBeInstanceOf(LlmResponseError);
    expect(error.message).toContain(`"${status}"`);
  });

  it('can be only its text, as mocks return it', async () => {
    bench.server.answers(json({ output_text: 'Hello', output: null }));
    expect(await bench.llm.generate('Hi')).toMatchObject({ text: 'Hello', finishReason: 'stop' });
  });

  it('that failed after usage was reported is charged that usage', async () => {
    const error = { code: 'server_error', message: 'It went wrong.' };
    const usage = responsesUsage(HELLO.usage);
    bench.server.answers(answers('stream', { status: 'failed', error, usage }));
    await errorOf(ask(bench.llm, 'stream'));
    const [event] = bench.recording.of('llm.error');
    expect(event!.usage).toMatchObject({ totalTokens: 1_500, source: 'provider' });
    expect(event!.cost).toBeCloseTo(costOf(responses, event!.usage), 12);
  });

  it('that is not JSON is reported without repeating it', async () => {
    bench.server.answers(json('A secret answer'));
    const error = await errorOf(bench.llm.generate('Hi'));
    expect(error).toBeInstanceOf(LlmResponseError);
    expect(error.cause).toBeUndefined();
  });
});
