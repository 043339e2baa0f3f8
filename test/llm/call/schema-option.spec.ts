import { afterEach, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import {
  CallbacksConfigurationError,
  LlmInvalidRequestError,
  LlmTimeoutError,
  SchemaValidationError,
  type LlmProvider,
  type Message,
  type ProviderResult,
  type Schema,
} from 'nestjs-llm-callbacks';
import { fakeLlmResponse, RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, startApp } from '../../support/app.js';
import { BAD, CITY, GOOD, PLAIN_CITY, TOKYO } from '../../support/city.js';
import { ask, errorOf, METHODS, readAll, readOne } from '../../support/wire/index.js';

describe('A schema of a call', () => {
  afterEach(closeApps);

  async function call(answers: FakeAnswer[], schema: Schema = CITY) {
    const { llm, fake } = await startApp({}, { answers });
    return { llm, fake, generate: () => llm.generate('Hi', { schema }) };
  }

  it('determines the type of the object', async () => {
    const { llm } = await startApp({}, { answers: always(GOOD) });
    const { object } = await llm.generate('Hi', { schema: CITY });
    const name: string = object.name;
    const plain = await llm.generate<{ people: number }>('Hi', { schema: PLAIN_CITY });
    const people: number = plain.object.people;
    const streamed = await llm.stream('Hi', { schema: CITY }).response;
    const again: number = streamed.object.people;
    expect([name, people, again]).toEqual(['Tokyo', 14_000_000, 14_000_000]);
  });

  it('is passed to an own provider in each attempt', async () => {
    const { fake, generate } = await call(['no', GOOD]);
    await generate();
    expect(fake.requests).toMatchObject([{ schema: PLAIN_CITY }, { schema: PLAIN_CITY }]);
  });

  it('is sent again with the whole conversation, which is not modified for the caller', async () => {
    const { llm, fake } = await call([BAD, GOOD]);
    const messages: Message[] = [{ role: 'user', content: 'Which city?' }];
    await llm.generate(messages, { schema: CITY, system: 'Be brief.' });
    expect(messages).toHaveLength(1);
    expect(fake.requests[1]).toMatchObject({
      system: 'Be brief.',
      messages: [
        { role: 'user', content: 'Which city?' },
        { role: 'assistant', content: BAD },
        { role: 'user', content: expect.stringContaining(JSON.stringify(PLAIN_CITY)) },
      ],
    });
  });

  it('does not send an empty answer back, which providers would reject', async () => {
    const { fake, generate } = await call(['  \n', GOOD]);
    await generate();
    expect(fake.requests[1]!.messages.map(({ role }) => role)).toEqual(['user', 'user']);
  });

  it.each([`\`\`\`json\n${GOOD}\n\`\`\``, `\`\`\`\n${GOOD}\n\`\`\`\n`, ` ${GOOD}\n`])(
    'is parsed from %j',
    async (text) => {
      const { fake, generate } = await call([text]);
      expect(await generate()).toMatchObject({ object: TOKYO });
      expect(fake.requests).toHaveLength(1);
    },
  );

  it('accepts tool calls as the answer to its second attempt', async () => {
    const { generate } = await call([BAD, { toolCalls: [{ name: 'lookup' }] }]);
    const response = await generate();
    expect(response).toMatchObject({ toolCalls: [{ name: 'lookup' }] });
    expect(response).not.toHaveProperty('object');
  });

  it('accepts a truncated answer that is already complete', async () => {
    const { generate } = await call([{ text: GOOD, finishReason: 'length' }]);
    expect(await generate()).toMatchObject({ object: TOKYO });
  });

  it.each([
    ['null', z.null(), null],
    ['a list', z.array(z.number()), [1, 2]],
    ['a text', z.string(), 'Tokyo'],
  ])('can be %s', async (_name, schema: Schema, value) => {
    const { generate } = await call([JSON.stringify(value)], schema);
    expect((await generate()).object).toEqual(value);
  });

  it.each([
    ['blank lines in a code block', `\`\`\`json${'\n'.repeat(500_000)}x\n\`\`\``],
    ['brackets', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
    ['an open end', '{"a":'.repeat(100_000)],
    [
      'polluting keys',
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    ],
  ])('handles an answer of %s', async (_name, text) => {
    const schema = {
      type: 'object',
      properties: { a: { $ref: '#' } },
      additionalProperties: false,
    };
    const { generate } = await call([text, text], schema);
    expect(await errorOf(generate())).toBeInstanceOf(SchemaValidationError);
    expect('polluted' in {}).toBe(false);
  });

  it('estimates the tokens of both attempts if the provider reports none', async () => {
    const { generate } = await call([BAD, GOOD]);
    const { usage, attempts } = await generate();
    const [first, second] = attempts.map((attempt) => attempt.usage!);
    expect(usage.source).toBe('estimated');
    expect(usage.totalTokens).toBe(first!.totalTokens + second!.totalTokens);
    expect(second!.inputTokens).toBeGreaterThan(first!.inputTokens);
  });

  it('is included in the maximum usage of the call', async () => {
    const { llm } = await call(always(GOOD));
    const recording = new RecordingCallbacks();
    await llm.generate('Hi', { callbacks: [recording] });
    await llm.generate('Hi', { callbacks: [recording], schema: PLAIN_CITY });
    const [without, withSchema] = recording
      .of('llm.start')
      .map(({ estimate }) => estimate.inputTokens);
    expect(withSchema! - without!).toBe(JSON.stringify(PLAIN_CITY).length);
  });

  it('with a validation that never resolves is stopped with its call', async () => {
    const never = z.string().refine(() => new Promise<boolean>(() => undefined));
    const { llm } = await call(['"text"']);
    const options = { schema: never, timeoutMs: 50 };
    expect(await errorOf(llm.generate('Hi', options))).toBeInstanceOf(LlmTimeoutError);
  });

  it('does not give a second attempt more time than the call has', async () => {
    const provider: LlmProvider = {
      name: 'slow',
      generate: async ({ messages }) =>
        messages.length === 1
          ? fakeLlmResponse({ text: BAD })
          : new Promise<ProviderResult>(() => undefined),
      async *stream() {},
    };
    const { llm } = await startApp({}, { llm: { provider, model: 'slow' } });
    const options = { schema: CITY, timeoutMs: 50 };
    expect(await errorOf(llm.generate('Hi', options))).toBeInstanceOf(LlmTimeoutError);
  });

  it.each(METHODS)('that is invalid is rejected before anything is sent, by %s', async (method) => {
    const { llm, fake } = await call([]);
    const recording = new RecordingCallbacks();
    for (const schema of [null, 'text', { type: 'strin' }, z.object({ at: z.date() })]) {
      const options = { schema: schema as Schema, callbacks: [recording] };
      const error = await errorOf(ask(llm, method, 'Hi', options));
      expect(error).toBeInstanceOf(CallbacksConfigurationError);
      expect(error.message).toContain('`schema`');
    }
    expect(recording.events).toEqual([]);
    expect(fake.requests).toEqual([]);
  });

  it('is rejected for a stream with collect: false', async () => {
    const { llm } = await call([]);
    const stream = llm.stream('Hi', { schema: CITY, collect: false });
    expect(await errorOf(readAll(stream))).toBeInstanceOf(LlmInvalidRequestError);
  });

  it('lets a stream be read as partial objects', async () => {
    const { llm } = await call(['{"name": "To kyo", "people": 14000000}']);
    const stream = llm.stream('Hi', { schema: CITY });
    expect(await readAll(stream.partialObjects)).toEqual([
      {},
      { name: 'To' },
      { name: 'To kyo' },
      { name: 'To kyo', people: 14_000_000 },
    ]);
  });

  it('is not applied to a stream whose consumer stops', async () => {
    const { llm } = await call([GOOD.replace(',', ', ')]);
    const stream = llm.stream('Hi', { schema: CITY });
    expect(await readOne(stream.partialObjects)).toEqual({ name: 'Tokyo' });
    const response = await stream.response;
    expect(response.finishReason).toBe('cancelled');
    expect(response).not.toHaveProperty('object');
  });

  it('lets the consumer of a stream stop during validation', async () => {
    const never = z.string().refine(() => new Promise<boolean>(() => undefined));
    const { llm } = await call(['"text"']);
    const stream = llm.stream('Hi', { schema: never });
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    void reader.next();
    await new Promise(setImmediate);
    await reader.return?.();
    expect(await stream.response).toMatchObject({ finishReason: 'cancelled', text: '"text"' });
  });

  it('sends the model’s own blocks back with its answer', async () => {
    const message: Message = { role: 'assistant', content: BAD, providerData: { signed: 1 } };
    const { fake, generate } = await call([{ text: BAD, message }, GOOD]);
    await generate();
    expect(fake.requests[1]!.messages[1]).toBe(message);
  });
});
