import assert from 'node:assert/strict';
import { CallbackAbort } from '../../index.js';
import { assertCause, assertOrigin, assertUsage } from './observed-assertions.js';
import type { AddObservedTest } from './observed-bench.js';
import type { ObservedKitOptions } from './observed-caller.js';
import { ANSWER_METHODS, rejection } from './provider-bench.js';
import { USAGE } from './provider-replies.js';

/** What one caller of the kit can do, and another one cannot. */
export function testObservedExtras(test: AddObservedTest, options: ObservedKitOptions): void {
  const { tools = false, embeddings = false } = options;
  const toolCalls = [
    { id: 'call_a', name: 'weather', args: ['{"city', '":"Par', 'is"}'] },
    { id: 'call_b', name: 'time', args: ['{}'] },
  ];
  for (const method of tools ? ANSWER_METHODS : []) {
    test(method, 'the tool calls of an answer are in its end event', async (bench) => {
      bench.answer(method, { toolCalls });
      await bench.call(method);
      const end = await bench.end('llm.end');
      assert.equal(end.finishReason, 'tool-calls');
      assert.deepEqual(
        end.toolCalls.map(({ id, name, args }) => ({ id, name, args })),
        [
          { id: 'call_a', name: 'weather', args: { city: 'Paris' } },
          { id: 'call_b', name: 'time', args: {} },
        ],
      );
    });
  }
  if (embeddings) testEmbeddings(test);
}

function testEmbeddings(test: AddObservedTest): void {
  const vector = [0.5, -1, 0.25];

  test('embed', 'a call is one run, with usage and origin', async (bench) => {
    bench.answerVector(vector);
    assert.deepEqual([...(await bench.embed())], vector);
    const { events } = bench.recording;
    assert.deepEqual(
      events.map(({ type }) => type),
      ['embedding.start', 'embedding.end'],
    );
    const [end] = bench.recording.of('embedding.end');
    assertUsage(bench, { ...end!.usage, outputTokens: USAGE.outputTokens });
    assertOrigin(bench);
  });

  test(
    'embed',
    'an error of the server is one embedding.error, and fails the call',
    async (bench) => {
      bench.fail('authentication');
      await rejection(bench.embed());
      const [failed, ...others] = bench.recording.of('embedding.error');
      assert.equal((failed?.error as { code?: unknown } | undefined)?.code, 'authentication');
      assert.deepEqual(others, []);
    },
  );

  test(
    'embed',
    'a critical start handler refuses the call before a request is sent',
    async (bench) => {
      const refusal = new CallbackAbort('Not today.');
      const refuse = () => {
        throw refusal;
      };
      bench.callbacks.on('embedding.start', refuse, { critical: true });
      assertCause(await rejection(bench.embed()), (cause) => cause === refusal);
      assert.equal(bench.server.requests.length, 0, 'A request was sent.');
    },
  );
}
