import { describe, expect, it } from '@jest/globals';
import {
  CacheInterceptor,
  CallbacksModule,
  FallbackInterceptor,
  InterceptLlm,
  LlmStream,
  RetryInterceptor,
  type InterceptedLlmCall,
  type LlmNext,
  type LlmProvider,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import {
  ask,
  costOf,
  errorOf,
  HELLO,
  json,
  METHODS,
  readOne,
  says,
  silence,
  stalled,
  useBench,
  WIRES,
  type WireError,
} from '../../support/wire/index.js';

/** Reads the stream that it passes on. */
class Reading {
  @InterceptLlm() async around(_call: InterceptedLlmCall, next: LlmNext) {
    const given = next();
    return given instanceof LlmStream ? this.#read(given) : given;
  }

  async *#read(stream: LlmStream) {
    yield* stream;
    yield await stream.response;
  }
}

const spare = Object.assign(new FakeLlm(Array.from({ length: 100 }, () => 'from the backup')), {
  name: 'spare',
}) as LlmProvider;

describe.each(WIRES)('Interceptors around $name', (wire) => {
  describe('that retry', () => {
    const bench = useBench(wire, {
      callbacks: [new RetryInterceptor({ initialDelayMs: 0, maxRetries: 2 })],
    });
    const failing = json(wire.error({ type: 'server_error' }), 500);

    it.each(METHODS)('never multiply with the retries of the SDK, by %s', async (method) => {
      bench.server.answers(failing, failing, failing, failing, failing);
      expect(await errorOf(ask(bench.llm, method))).toMatchObject({ code: 'server_error' });
      expect(bench.server.exchanges).toHaveLength(3);
      expect(bench.recording.of('llm.retry').map(({ attempt }) => attempt)).toEqual([1, 2]);
    });

    it.each(METHODS)('count the usage of each request once, by %s', async (method) => {
      bench.server.answers(failing, says(wire, method, HELLO));
      const { cost, usage, attempts, text } = await ask(bench.llm, method);
      expect(text).toBe('Hello, world');
      expect(cost).toBeCloseTo(costOf(wire, usage), 12);
      expect(attempts).toMatchObject([
        { error: { code: 'server_error' } },
        { usage: { totalTokens: 1_500 } },
      ]);
      expect(bench.costs.requestCount).toBe(1);
    });
  });

  describe('that call another client', () => {
    const bench = useBench(wire, {
      callbacks: [new FallbackInterceptor({ clients: ['backup'] })],
      llm: { maxRetries: 0 },
      imports: () => [
        CallbacksModule.forFeature({ name: 'backup', llm: { provider: spare, model: 'other' } }),
      ],
    });

    it.each(METHODS)('drop options meant for one SDK, by %s', async (method) => {
      bench.server.answers(json(wire.error({ type: 'overloaded_error' }), 503));
      const response = await ask(bench.llm, method, 'Hi', { providerOptions: { user: 'ada' } });
      expect(response).toMatchObject({
        text: 'from the backup',
        provider: 'spare',
        model: 'other',
      });
      expect(bench.server.exchanges[0]!.body).toMatchObject({ user: 'ada' });
      expect((spare as FakeLlm).requests.at(-1)).not.toHaveProperty('providerOptions');
    });

    const otherwiseFinal: [what: string, status: number, error: WireError][] = [
      ['an account without balance', 402, { type: 'billing_error' }],
      [
        'a balance that is too low',
        400,
        { type: 'invalid_request_error', message: 'Your credit balance is too low.' },
      ],
      ['a quota that is used up', 429, { type: 'insufficient_quota', code: 'insufficient_quota' }],
      [
        'a model that is not there',
        404,
        { type: 'not_found_error', message: 'The model `house-7` does not exist.' },
      ],
    ];
    it.each(otherwiseFinal)('continue with it after %s', async (_what, status, error) => {
      for (const method of METHODS) {
        bench.server.answers(json(wire.error(error), status));
        expect(await ask(bench.llm, method)).toMatchObject({ text: 'from the backup' });
      }
      expect(bench.recording.of('llm.error')).toEqual([]);
    });

    it('do not continue after a rejected request', async () => {
      const error = { type: 'not_found_error', message: 'There is no such page.' };
      bench.server.answers(json(wire.error(error), 404));
      expect(await errorOf(ask(bench.llm, 'generate'))).toMatchObject({ code: 'invalid_request' });
    });
  });

  describe('that read the stream they pass on', () => {
    const bench = useBench(wire, { callbacks: [new CacheInterceptor(), new Reading()] });

    it('cancel the request when the consumer stops', async () => {
      bench.server.answers(stalled(wire.opening, wire.text('Hello')));
      const stream = bench.llm.stream('Hi');
      await readOne(stream.textStream);
      const { aborted } = await bench.server.exchange(0);
      expect(await aborted).toBe(true);
      expect(await stream.response).toMatchObject({ text: 'Hello', finishReason: 'cancelled' });
    });

    it.each(METHODS)('stop the request on an abort, by %s', async (method) => {
      bench.server.answers(silence);
      const aborter = new AbortController();
      const call = errorOf(ask(bench.llm, method, 'Hi', { signal: aborter.signal }));
      const { aborted } = await bench.server.exchange(0);
      aborter.abort();
      expect(await call).toMatchObject({ name: 'AbortError' });
      expect(await aborted).toBe(true);
      expect(bench.recording.of('llm.error')[0]!.attempts).toMatchObject([
        { error: { name: 'AbortError' } },
      ]);
    });

    it.each(METHODS)('stop the request on the timeout of the call, by %s', async (method) => {
      bench.server.answers(silence);
      expect(await errorOf(ask(bench.llm, method, 'Hi', { timeoutMs: 50 }))).toMatchObject({
        code: 'timeout',
      });
      expect(await bench.server.exchanges[0]?.aborted).not.toBe(false);
    });

    it.each(METHODS)(
      'return a cached answer with the content that the provider needs in the next turn, by %s',
      async (method) => {
        bench.server.answers(
          says(wire, method, {
            ...HELLO,
            toolCalls: [{ id: 'c1', name: 'look', argsText: '{"at":1}' }],
          }),
        );
        const first = await ask(bench.llm, method, `Look, by ${method}.`);
        const second = await ask(bench.llm, method, `Look, by ${method}.`);
        expect(second).toMatchObject({
          cached: true,
          toolCalls: first.toolCalls,
          message: first.message,
        });
        expect(bench.server.exchanges).toHaveLength(1);
      },
    );
  });
});
