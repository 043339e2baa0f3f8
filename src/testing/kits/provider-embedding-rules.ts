import assert from 'node:assert/strict';
import { usageOf } from './provider-answer-rules.js';
import type { AddProviderTest, ProviderKitOptions } from './provider-bench.js';
import { USAGE } from './provider-replies.js';
import { assertSent } from './provider-request-rules.js';

/** In no order of their numbers, which are exact as 32-bit floats. */
const VECTORS = [
  [0.5, -1, 0.25],
  [2, 0.125, -0.75],
  [-4, 8, 0],
];
const TEXTS = ['KIT-FIRST', 'KIT-SECOND', 'KIT-THIRD'];
const DIMENSIONS = 321;

/** Whether the tests fit the provider, declared or not. */
export function testEmbedMethod(test: AddProviderTest): void {
  test('embed', 'is there if the tests are for it, and only then', async (bench) => {
    const has = bench.provider.embed !== undefined;
    const { embeddings = false } = bench.options;
    assert.equal(
      has,
      embeddings,
      has
        ? 'The provider has embed(), which is not tested: give the option `embeddings: true`.'
        : 'The provider has no embed(): leave the option `embeddings` out.',
    );
  });
}

export function testEmbeddings(test: AddProviderTest, options: ProviderKitOptions): void {
  test(
    'embed',
    'a vector for each text is returned, in their order, with the model',
    async (bench) => {
      bench.answerTexts({ embeddings: VECTORS });
      const { embeddings, model } = await bench.embed({ input: [...TEXTS] });
      assert.deepEqual(embeddings, VECTORS);
      assert.equal(model, bench.model);
      assert.equal(bench.server.requests.length, 1, 'One request is sent.');
    },
  );

  if (options.usage ?? true) {
    test('embed', 'usage has the counts of the server', async (bench) => {
      bench.answerTexts();
      const { inputTokens } = USAGE;
      assert.deepEqual(usageOf(await bench.embed()), {
        inputTokens,
        outputTokens: 0,
        totalTokens: inputTokens,
        source: 'provider',
      });
    });
  }

  test('embed', 'usage is UNREPORTED_USAGE if the server sends none', async (bench) => {
    bench.answerTexts({ usage: undefined });
    const { source } = usageOf(await bench.embed());
    assert.equal(
      source,
      'estimated',
      "The usage of an answer without counts has the source 'estimated'.",
    );
  });

  test('embed', 'texts, model and dimensions are sent', async (bench) => {
    bench.answerTexts({ embeddings: TEXTS.map(() => Array<number>(DIMENSIONS).fill(0.5)) });
    await bench.embed({ input: [...TEXTS], dimensions: DIMENSIONS });
    const { body } = await bench.received();
    assertSent(body, ...TEXTS, bench.model, String(DIMENSIONS));
  });

  test('embed', 'providerOptions are sent as they are', async (bench) => {
    bench.answerTexts();
    await bench.embed({ providerOptions: { kit_option: 'KIT-VALUE' } });
    assertSent((await bench.received()).body, 'kit_option', 'KIT-VALUE');
  });
}
