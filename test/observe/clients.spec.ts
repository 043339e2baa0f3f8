import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI, { AzureOpenAI } from 'openai';
import { CallbackAbort, CallbacksService, OnLlmEnd, OnLlmStart } from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../src/runs/active-run.js';
import { Bench, errorOf, HELLO, json, says, stalled } from '../support/wire/index.js';
import { anthropic } from '../support/wire/anthropic.js';
import { openai } from '../support/wire/openai.js';
import type { Serve } from '../support/wire/server.js';
import { newAnthropic, newOpenAi } from '../support/wire/sdk-clients.js';

const QUESTION = {
  model: openai.model,
  messages: [{ role: 'user' as const, content: 'Hi' }],
};

/** Handlers that a test may let fail. */
class Guards {
  failAt: 'start' | 'end' | undefined;

  @OnLlmStart({ critical: true })
  onStart(): void {
    if (this.failAt === 'start') throw new CallbackAbort('Not today.');
  }

  @OnLlmEnd({ critical: true })
  onEnd(): void {
    if (this.failAt === 'end') throw new Error('Too late.');
  }
}

let bench: Bench;
let callbacks: CallbacksService;
let guards: Guards;

beforeEach(async () => {
  bench = new Bench(openai, { providers: [Guards] });
  await bench.open();
  callbacks = bench.app.get(CallbacksService);
  guards = bench.app.get(Guards);
});
afterEach(() => bench.close());

const types = () => bench.recording.events.map(({ type }) => type);
const whole = () => says(openai, 'generate', HELLO);
const streamed = () => says(openai, 'stream', HELLO);

describe('An observed client of openai', () => {
  let raw: OpenAI;
  let client: OpenAI;

  beforeEach(() => {
    raw = newOpenAi(bench.server.origin);
    client = callbacks.observe(raw);
  });

  it('is a copy of the same class; the original is not observed', async () => {
    expect(client).toBeInstanceOf(OpenAI);
    expect(client).not.toBe(raw);
    expect(Object.keys(client)).toEqual(Object.keys(raw));
    bench.server.answers(whole());
    await raw.chat.completions.create(QUESTION);
    expect(types()).toEqual([]);
  });

  it('is the same copy for the same client and options', () => {
    expect(callbacks.observe(raw)).toBe(client);
    expect(callbacks.observe(client)).toBe(client);
    expect(callbacks.observe(raw, { label: 'mine' })).not.toBe(client);
  });

  it('is not kept when a hundred others were made of the same client', () => {
    for (let i = 0; i < 99; i++) callbacks.observe(raw, { metadata: { i } });
    expect(callbacks.observe(raw)).toBe(client);
    callbacks.observe(raw, { metadata: { i: 99 } });
    expect(callbacks.observe(raw)).not.toBe(client);
  });

  it('has children that are observed', async () => {
    bench.server.answers(whole());
    await client.withOptions({ timeout: 5_000 }).chat.completions.create(QUESTION);
    expect(types()).toEqual(['llm.start', 'llm.end']);
  });

  it('observes withResponse(), asResponse() and parse()', async () => {
    bench.server.answers(whole(), whole(), whole());
    const { data, response } = await client.chat.completions.create(QUESTION).withResponse();
    expect(data.choices[0]!.message.content).toBe(HELLO.text);
    expect(response.status).toBe(200);
    const unread = await client.chat.completions.create(QUESTION).asResponse();
    expect(unread.url).toContain('/chat/completions');
    expect(await unread.json()).toMatchObject({ object: 'chat.completion' });
    await client.chat.completions.parse(QUESTION);
    expect(bench.recording.of('llm.end')).toHaveLength(3);
    expect(bench.costs.requestCount).toBe(3);
  });

  it('observes the helper of a stream', async () => {
    bench.server.answers(streamed());
    const runner = client.chat.completions.stream(QUESTION);
    expect(await runner.finalContent()).toBe(HELLO.text);
    expect(bench.recording.of('llm.end')).toMatchObject([{ text: HELLO.text }]);
  });

  it('observes embeddings', async () => {
    const vectors = { object: 'list', data: [{ index: 0, embedding: [0.5, 1] }], model: 'e' };
    bench.server.answers(json({ ...vectors, usage: { prompt_tokens: 3, total_tokens: 3 } }));
    const { data } = await client.embeddings.create({
      model: 'text-embedding-3-small',
      input: 'printer',
      encoding_format: 'float',
    });
    expect(data[0]!.embedding).toEqual([0.5, 1]);
    expect(types()).toEqual(['embedding.start', 'embedding.end']);
    expect(bench.costs.totalTokens).toBe(3);
  });

  it('gives an empty answer as the client does, and its run fails', async () => {
    const empty: Serve = ({ response }) => void response.writeHead(200).end();
    const none: Serve = ({ response }) =>
      void response.writeHead(200, { 'content-length': '0' }).end();
    for (const answer of [empty, none]) {
      bench.server.answers(answer, answer);
      const expected = await raw.chat.completions.create(QUESTION);
      expect(await client.chat.completions.create(QUESTION)).toEqual(expected);
    }
    await bench.app.get(OpenRuns).idle();
    expect(bench.recording.of('llm.error')).toMatchObject([
      { error: { code: 'invalid_response' } },
      { error: { code: 'invalid_response' } },
    ]);
  });

  it('does not observe anything else', async () => {
    bench.server.answers(json({ object: 'list', data: [] }), json({ id: 'b' }));
    await client.beta.threads.messages.create('t', { role: 'user', content: 'Hi' });
    await client.batches.create({
      input_file_id: 'f',
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    });
    expect(types()).toEqual([]);
  });

  it('is nested in the chain that calls it', async () => {
    bench.server.answers(whole());
    await callbacks.chain('ask', {}, () => client.chat.completions.create(QUESTION));
    const [chain, start] = bench.recording.events;
    expect(start!.parentRunId).toBe(chain!.runId);
    expect(types()).toEqual(['chain.start', 'llm.start', 'llm.end', 'chain.end']);
  });

  it('has the tags and the label of its options', async () => {
    bench.server.answers(whole());
    const labelled = callbacks.observe(raw, { label: 'groq', tags: ['legacy'] });
    await labelled.chat.completions.create(QUESTION);
    expect(bench.recording.of('llm.end')).toMatchObject([{ provider: 'groq', tags: ['legacy'] }]);
  });

  it('rejects with the very error of a critical start handler, and sends nothing', async () => {
    guards.failAt = 'start';
    const error = await errorOf(client.chat.completions.create(QUESTION));
    expect(error).toBeInstanceOf(CallbackAbort);
    expect(bench.server.exchanges).toEqual([]);
    const ofHelper = await errorOf(client.chat.completions.stream(QUESTION).finalContent());
    expect(ofHelper).toMatchObject({ cause: expect.any(CallbackAbort) });
  });

  it.each([false, true])(
    'fails with the error of a critical end handler, streamed: %s',
    async (stream) => {
      guards.failAt = 'end';
      bench.server.answers(stream ? streamed() : whole());
      const reading = async () => {
        if (!stream) return client.chat.completions.create(QUESTION);
        for await (const _ of await client.chat.completions.create({ ...QUESTION, stream: true }));
        return undefined;
      };
      expect((await errorOf(reading())).message).toBe('Too late.');
      expect(bench.server.exchanges).toHaveLength(1);
    },
  );

  it('ends as cancelled when the reader of a raw response leaves', async () => {
    bench.server.answers(streamed());
    const response = await client.chat.completions
      .create({ ...QUESTION, stream: true })
      .asResponse();
    await response.body!.cancel();
    await bench.app.get(OpenRuns).idle();
    expect(bench.recording.of('llm.end')).toMatchObject([{ finishReason: 'cancelled' }]);
  });
});

it('An observed Azure client keeps its version and deployment', async () => {
  const azure = new AzureOpenAI({
    endpoint: bench.server.origin,
    apiKey: 'none',
    apiVersion: '2025-01-01',
    deployment: 'mine',
  });
  bench.server.answers(whole());
  await callbacks.observe(azure).chat.completions.create(QUESTION);
  expect(bench.server.exchanges[0]!.path).toContain(
    '/deployments/mine/chat/completions?api-version',
  );
  expect(bench.recording.of('llm.end')).toMatchObject([{ provider: 'azure' }]);
});

it('An observed client of Anthropic observes its message stream and its beta messages', async () => {
  const client = callbacks.observe(newAnthropic(bench.server.origin));
  const question = { ...QUESTION, model: anthropic.model, max_tokens: 100 };
  bench.server.answers(says(anthropic, 'stream', HELLO), says(anthropic, 'generate', HELLO));
  expect(await client.messages.stream(question).finalText()).toBe(HELLO.text);
  await client.beta.messages.create(question);
  expect(bench.recording.of('llm.end')).toHaveLength(2);
});

describe('callbacks.observe()', () => {
  it.each([
    ['no client', {}, {}, /no client that can be observed/],
    ['nothing', undefined, {}, /no client that can be observed/],
    ['an unknown option', 'openai', { lable: 'x' }, /did you mean "label"/],
    ['an unknown name', 'openai', { name: 'nobody' }, /no client "nobody"/],
    ['a name that is no text', 'openai', { name: 1 }, /name must be a text/],
    ['tags that are no list', 'openai', { tags: 'x' }, /tags must be a list/],
    ['options that are none', 'openai', null, /options must be an object/],
  ])('rejects %s', (_, given, options, message) => {
    const client = given === 'openai' ? newOpenAi(bench.server.origin) : given;
    expect(() => callbacks.observe(client as object, options as object)).toThrow(message);
  });
});

it('A client that aborts its own request because its reader leaves ends as cancelled', async () => {
  const client = callbacks.observe(newOpenAi(bench.server.origin));
  bench.server.answers(stalled(openai.opening, openai.text('one')));
  const stream = await client.chat.completions.create({ ...QUESTION, stream: true });
  const reader = stream[Symbol.asyncIterator]();
  while (bench.recording.of('llm.chunk').length === 0) await reader.next();
  const pending = reader.next();
  stream.controller.abort();
  await pending;
  await bench.app.get(OpenRuns).idle();
  expect(bench.recording.of('llm.end')).toMatchObject([{ text: 'one', finishReason: 'cancelled' }]);
});
