import { describe, expect, it } from '@jest/globals';
import { ask, HELLO, METHODS, says, useBench } from '../../support/wire/index.js';
import { anthropic } from '../../support/wire/anthropic.js';

describe('The limit of an Anthropic request with a thinking budget', () => {
  const bench = useBench(anthropic);
  const thinking = { type: 'enabled', budget_tokens: 9_000 };

  it.each(METHODS)('is above the budget if no limit is set, by %s', async (method) => {
    bench.server.answers(says(anthropic, method, HELLO));
    await ask(bench.llm, method, 'Hi', { providerOptions: { thinking } });
    expect(bench.server.exchanges[0]!.body).toMatchObject({ max_tokens: 13_096, thinking });
  });

  it.each([
    ['maxOutputTokens', { maxOutputTokens: 9_500, providerOptions: { thinking } }, 9_500],
    ['providerOptions', { providerOptions: { thinking, max_tokens: 9_700 } }, 9_700],
    [
      'the default, without a budget',
      { providerOptions: { thinking: { type: 'adaptive' } } },
      4_096,
    ],
    [
      'the default, beside a budget that is no number',
      { providerOptions: { thinking: { type: 'enabled', budget_tokens: '9000' } } },
      4_096,
    ],
  ])('is taken from %s', async (_what, options, limit) => {
    bench.server.answers(says(anthropic, 'generate', HELLO));
    await bench.llm.generate('Hi', options);
    expect(bench.server.exchanges[0]!.body).toMatchObject({ max_tokens: limit });
  });
});
