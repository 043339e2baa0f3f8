import { expect, it, jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { getLlmToken } from 'nestjs-llm-callbacks';
import { fakeLlmResponse } from 'nestjs-llm-callbacks/testing';
import { Desk } from './app.js';

// #region unit
it('The desk returns the answer of the model', async () => {
  const generate = jest.fn(async (_question: string, _options: object) =>
    fakeLlmResponse({ text: 'On Friday.' }),
  );
  const unit = await Test.createTestingModule({ providers: [Desk] })
    .useMocker((token) => (token === getLlmToken('support') ? { generate } : {}))
    .compile();

  // A @Chain() method runs as it is, whatever is mocked.
  expect(await unit.get(Desk).answer('When will it come?', 'ada')).toBe('On Friday.');
  expect(generate).toHaveBeenCalledWith('When will it come?', {
    userId: 'ada',
    maxOutputTokens: 100,
  });
});
// #endregion
