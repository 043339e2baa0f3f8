import { afterEach, describe, expect, it } from '@jest/globals';
import { AgentService, CacheInterceptor } from 'nestjs-llm-callbacks';
import type { FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../../support/app.js';
import { GOOD, PLAIN_CITY, TOKYO } from '../../support/city.js';
import { ask, errorOf, METHODS } from '../../support/wire/index.js';

afterEach(closeApps);

const refused = {
  text: 'I cannot help with that.',
  finishReason: 'content-filter',
} satisfies FakeAnswer;
const paused: FakeAnswer = { text: GOOD, finishReason: 'paused' };
const OPTIONS = { schema: PLAIN_CITY };

describe.each(METHODS)('With a schema, by %s', (method) => {
  it('a refusal rejects without a second request', async () => {
    for (const answer of [refused, { ...refused, text: '' }]) {
      const { llm, fake } = await startApp({}, { answers: [answer, GOOD] });
      const error = await errorOf(ask(llm, method, 'Hi', OPTIONS));
      expect(error).toMatchObject({
        name: 'LlmContentFilterError',
        code: 'content_filter',
        retryable: false,
      });
      expect(error['reason']).toBe(answer.text || undefined);
      expect(error.message + JSON.stringify(error)).not.toContain('I cannot help');
      expect(fake.requests).toHaveLength(1);
    }
  });

  it('an answer that matches is accepted although a filter ended it', async () => {
    const answers = [{ ...refused, text: GOOD }];
    const { llm } = await startApp({}, { answers });
    const { object, finishReason } = await ask(llm, method, 'Hi', OPTIONS);
    expect(object).toEqual(TOKYO);
    expect(finishReason).toBe('content-filter');
  });

  it('a paused turn rejects without a second request', async () => {
    const { llm, fake } = await startApp({}, { answers: [paused, GOOD] });
    expect(await errorOf(ask(llm, method, 'Hi', OPTIONS))).toMatchObject({
      name: 'LlmResponseError',
      retryable: false,
      message: expect.stringContaining('paused'),
    });
    expect(fake.requests).toHaveLength(1);
  });

  it('a refusal in answer to the repair request also rejects', async () => {
    if (method === 'stream') return;
    const { llm, fake } = await startApp({}, { answers: ['No JSON.', refused, GOOD] });
    const error = await errorOf(llm.generate('Hi', OPTIONS));
    expect(error).toMatchObject({ name: 'LlmContentFilterError' });
    expect(fake.requests).toHaveLength(2);
  });
});

describe('A paused turn', () => {
  it.each(METHODS)(
    'without a schema is an answer that a cache does not store, by %s',
    async (method) => {
      const answers = [paused, 'Done.', 'Done again.'];
      const { llm, fake } = await startApp({}, { answers, callbacks: [new CacheInterceptor()] });
      expect(await ask(llm, method)).toMatchObject({ finishReason: 'paused', text: GOOD });
      expect(await ask(llm, method)).toMatchObject({ finishReason: 'stop', text: 'Done.' });
      expect(await ask(llm, method)).toMatchObject({ cached: true, text: 'Done.' });
      expect(fake.requests).toHaveLength(2);
    },
  );

  it('does not fail an agent with a schema, which continues it', async () => {
    const { module } = await startApp({}, { answers: [paused, GOOD] });
    const result = await module.get(AgentService).run('Hi', OPTIONS);
    expect(['paused', 'stop']).toContain(result.finishReason);
  });
});
