import assert from 'node:assert/strict';
import type { EmbedResponse, EventType, LlmResponse, LlmService } from '../../index.js';
import {
  methodsOf,
  rejection,
  type AddProviderTest,
  type Method,
  type ProviderBench,
  type ProviderKitOptions,
} from './provider-bench.js';
import { TEXT, USAGE } from './provider-replies.js';

const TIMEOUT_MS = 500;

/** The events of a call that succeeds. */
const EVENTS_OF: Readonly<Record<Method, readonly EventType[]>> = {
  generate: ['llm.start', 'llm.end'],
  stream: ['llm.start', 'llm.chunk', 'llm.end'],
  embed: ['embedding.start', 'embedding.end'],
};

export function testApplication(test: AddProviderTest, options: ProviderKitOptions): void {
  test(
    'name',
    "is a text: the provider's name in events, errors and prices",
    async ({ provider }) => {
      assert.equal(typeof provider.name, 'string');
      assert.notEqual(provider.name, '');
    },
  );

  test('capabilities', 'are those that the tests are for', async ({ provider }) => {
    const known = ['contextFree', 'images', 'reasoning', 'schema', 'tools', 'usage'] as const;
    const declared = provider.capabilities ?? {};
    const expected = options.capabilities ?? {};
    for (const name of known)
      assert.equal(
        declared[name],
        expected[name],
        `The capability ${name} differs from the options.`,
      );
  });

  for (const method of methodsOf(options)) {
    test(method, 'in an application, a call is one run with its events', async (bench) => {
      const { llm, recording } = await bench.application();
      const content = bench.succeed(method);
      const response = await bench.inTime('the call does not settle', call(llm, method));
      assert.deepEqual('text' in response ? response.text : response.embeddings, content);
      assert.equal(response.provider, bench.provider.name);
      if (bench.options.usage ?? true) assert.equal(response.usage.inputTokens, USAGE.inputTokens);
      const types = new Set(recording.events.map(({ type }) => type));
      assert.deepEqual([...types], EVENTS_OF[method]);
      assert.equal(recording.tree().length, 1, 'The provider started runs of its own.');
    });

    test(method, 'in an application, timeoutMs cancels the request', async (bench) => {
      const { llm } = await bench.application();
      bench.fault(method, 'silence');
      const failing = rejection(call(llm, method, { timeoutMs: TIMEOUT_MS }));
      await Promise.race([bench.received(), failing]);
      const error = await bench.inTime('the call does not end by its timeout', failing);
      assert.equal((error as { code?: unknown }).code, 'timeout');
      await gone(bench);
    });

    test(
      method,
      'in an application, an error of the server fails the call unchanged',
      async (bench) => {
        const { llm, recording } = await bench.application();
        bench.fail('authentication');
        const error = await rejection(call(llm, method));
        assert.equal((error as { code?: unknown }).code, 'authentication');
        const [event] = recording.of(method === 'embed' ? 'embedding.error' : 'llm.error');
        assert.equal(event?.error, error);
      },
    );
  }

  test(
    'stream',
    'in an application, a consumer that stops reading cancels the request',
    async (bench) => {
      const { llm, recording } = await bench.application();
      bench.answer('stream', { text: ['One ', 'two '], ending: 'stall' });
      const stream = llm.stream('Hi');
      const reading = (async () => {
        for await (const _ of stream) break;
      })();
      await bench.inTime('the consumer cannot leave', reading);
      await bench.aborted();
      assert.equal((await stream.response).finishReason, 'cancelled');
      assert.equal(recording.of('llm.end').length, 1);
    },
  );
}

/** Waits until no request is open; one that was never sent need not be cancelled. */
async function gone(bench: ProviderBench): Promise<void> {
  for (const index of bench.server.requests.keys()) await bench.aborted(index);
}

async function call(
  llm: LlmService,
  method: Method,
  options: { timeoutMs?: number } = {},
): Promise<LlmResponse | EmbedResponse> {
  if (method === 'embed') return llm.embed(TEXT, options);
  return method === 'generate' ? llm.generate('Hi', options) : llm.stream('Hi', options).response;
}
