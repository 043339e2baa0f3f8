import { describe, expect, it } from '@jest/globals';
import {
  LlmAuthenticationError,
  LlmBillingError,
  LlmContextLengthError,
  LlmInvalidRequestError,
  LlmModelNotFoundError,
  LlmOverloadedError,
  LlmRateLimitError,
  LlmResponseError,
  LlmServerError,
  LlmTimeoutError,
  type CallbacksError,
} from 'nestjs-llm-callbacks';
import {
  ask,
  errorOf,
  events,
  HELLO,
  json,
  METHODS,
  useBench,
  WIRES,
} from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

type ErrorClass = new (message: string) => CallbacksError;

/** Bodies that contain an error although their status is 200. */
const ERRORS: [what: string, body: unknown, is: ErrorClass, words: string][] = [
  [
    'an object with a status',
    { error: { message: 'Unknown key', code: 401 } },
    LlmAuthenticationError,
    'Unknown key',
  ],
  [
    'an object with digits',
    { error: { message: 'Slower', code: '429' } },
    LlmRateLimitError,
    'Slower',
  ],
  ['words', { error: 'weights are not loaded' }, LlmServerError, 'weights are not loaded'],
  [
    'words about a model',
    { error: 'model "x" not found, try pulling it first' },
    LlmModelNotFoundError,
    'try pulling it',
  ],
  ['words about a rate', { error: 'Too many requests' }, LlmRateLimitError, 'Too many requests'],
  [
    "Anthropic's form",
    { type: 'error', error: { type: 'overloaded_error', message: 'Too busy' } },
    LlmOverloadedError,
    'Too busy',
  ],
  [
    "vLLM's form",
    {
      object: 'error',
      message: 'The maximum context length of this model is 4096 tokens',
      type: 'BadRequestError',
      param: null,
      code: 400,
    },
    LlmContextLengthError,
    '4096',
  ],
  [
    "vLLM's form for a model",
    { object: 'error', message: 'The model `x` does not exist.', type: 'NotFoundError', code: 404 },
    LlmModelNotFoundError,
    'does not exist',
  ],
  [
    'a list',
    [{ error: { code: 400, message: 'Odd', status: 'INVALID_ARGUMENT' } }],
    LlmInvalidRequestError,
    'Odd',
  ],
  ['a detail', { detail: 'The worker is gone' }, LlmServerError, 'worker is gone'],
  [
    'details',
    { detail: [{ loc: ['body', 'model'], msg: 'Field required' }] },
    LlmServerError,
    'body.model: Field required',
  ],
  ['a message with a code', { code: 402, message: 'Top up first' }, LlmBillingError, 'Top up'],
  [
    'a list of errors',
    { success: false, errors: [{ code: 504, message: 'Late' }] },
    LlmServerError,
    'Late',
  ],
  [
    'a code and words',
    { code: 'DEADLINE_EXCEEDED', error: 'Nobody came' },
    LlmTimeoutError,
    'Nobody came',
  ],
  [
    'an empty answer beside it',
    { choices: [], content: [], output: [], error: { code: 502, message: 'Upstream is idle' } },
    LlmServerError,
    'Upstream is idle',
  ],
  [
    "MiniMax's form",
    { base_resp: { status_code: 1008, status_msg: 'insufficient balance' } },
    LlmBillingError,
    'insufficient balance',
  ],
];

describe.each(WIRES)('A response of $name with status 200', (wire) => {
  const bench = useBench(wire);

  it.each(ERRORS)('with %s is an error, whole or streamed', async (_what, body, is, words) => {
    const frame = `data: ${JSON.stringify(body)}\n\n`;
    for (const [method, answer] of [
      ['generate', json(body)],
      ['stream', json(body)],
      ['stream', events(frame)],
      ['stream', events(frame, 'data: [DONE]\n\n')],
    ] as const) {
      bench.server.answers(answer);
      const error = await errorOf(ask(bench.llm, method));
      expect(error.constructor).toBe(is);
      expect(error['reason']).toContain(words);
      expect(error.message).not.toContain(words);
      expect(error.cause).toMatchObject({ message: error['reason'], error: body });
      expect(JSON.stringify(error)).not.toContain(words);
    }
  });

  it('is not a provider error if the body has an unknown form', async () => {
    for (const body of [{ ok: true }, { code: 200, message: 'success' }, [], [1], 'words', null]) {
      bench.server.answers(json(body));
      expect(await errorOf(bench.llm.generate('Hi'))).toBeInstanceOf(LlmResponseError);
    }
  });

  it.each(METHODS)('with an empty error beside an answer is an answer, by %s', async (method) => {
    // The Responses API always sends one, which is null.
    const empty = wire.name === 'responses' ? [null] : [null, '', {}, { code: 0, message: '' }];
    for (const error of empty) {
      const whole = { ...wire.answer(HELLO), error };
      const frames = wire
        .stream(HELLO)
        .map((frame) =>
          frame.replace(
            /(data: \{)("(?!.*response\.)[^\n]*)/,
            `$1"error":${JSON.stringify(error)},$2`,
          ),
        );
      bench.server.answers(method === 'generate' ? json(whole) : events(...frames));
      expect(await ask(bench.llm, method)).toMatchObject({ text: 'Hello, world' });
    }
  });
});

describe('The reason of a provider error', () => {
  const bench = useBench(openai);

  it('has no control characters, is bounded, and is not in any JSON', async () => {
    const message = `Odd\r\n\u001b[31mERROR forged\u202e ${'x'.repeat(5_000)}`;
    bench.server.answers(json(openai.error({ type: 'invalid_request_error', message }), 400));
    const error = await errorOf(bench.llm.generate('Hi'));
    expect(error['reason']).toMatch(/^Odd \[31mERROR forged {1,2}x+$/);
    expect(error['reason']).toHaveLength(2_000);
    expect(Object.keys(error)).not.toContain('reason');
    expect(JSON.stringify(Object.assign({}, error))).not.toContain('forged');
  });

  it('is absent if the provider sends no message', async () => {
    bench.server.answers(({ response }) => void response.writeHead(400).end());
    const error = await errorOf(bench.llm.generate('Hi'));
    expect(error).toMatchObject({ name: 'LlmInvalidRequestError', status: 400 });
    expect('reason' in error).toBe(false);
  });
});
