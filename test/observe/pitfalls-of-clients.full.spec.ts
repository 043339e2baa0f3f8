import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import Anthropic from '@anthropic-ai/sdk';
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';
import OpenAI, { AzureOpenAI } from 'openai';
import { CallbacksService } from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../src/runs/active-run.js';
import { anthropic } from '../support/wire/anthropic.js';
import { Bench } from '../support/wire/bench.js';
import { readAll, readOne, says } from '../support/wire/calls.js';
import { bedrock, servedBy, vertex } from '../support/wire/clouds.js';
import { openai } from '../support/wire/openai.js';
import { responses } from '../support/wire/responses.js';
import { json, stalled } from '../support/wire/serve.js';
import type { Serve } from '../support/wire/server.js';
import { HELLO, type WireFormat } from '../support/wire/wire-format.js';
import type { Resource } from './equals-raw/kinds.js';

/** A client, as far as the tests use it. */
interface Client {
  withOptions(options: object): this;
}

/** The stream that a client gives. */
interface Stream extends AsyncIterable<unknown> {
  tee(): [Stream, Stream];
  toReadableStream(): ReadableStream<Uint8Array>;
}

interface Place {
  readonly name: string;
  readonly wire: WireFormat;
  readonly type: new (options: never) => object;
  readonly options: (origin: string) => object;
  readonly resource: (client: object) => Resource;
}

const ofOpenAi = {
  type: OpenAI,
  options: (origin: string) => ({ apiKey: 'none', baseURL: `${origin}/v1` }),
};
const chat = (client: object) => (client as OpenAI).chat.completions;
const messages = (client: object) => (client as Anthropic).messages;

const PLACES: readonly Place[] = [
  { ...ofOpenAi, name: 'OpenAI, chat completions', wire: openai, resource: chat },
  {
    ...ofOpenAi,
    name: 'OpenAI, Responses',
    wire: responses,
    resource: (client) => (client as OpenAI).responses,
  },
  {
    name: 'AzureOpenAI',
    wire: openai,
    type: AzureOpenAI,
    options: (endpoint) => ({ endpoint, apiKey: 'none', apiVersion: '2025-01-01' }),
    resource: chat,
  },
  {
    name: 'Anthropic',
    wire: anthropic,
    type: Anthropic,
    options: (baseURL) => ({ apiKey: 'none', baseURL }),
    resource: messages,
  },
  {
    name: 'Anthropic, beta messages',
    wire: anthropic,
    type: Anthropic,
    options: (baseURL) => ({ apiKey: 'none', baseURL }),
    resource: (client) => (client as Anthropic).beta.messages,
  },
  {
    name: 'AnthropicBedrock',
    wire: bedrock,
    type: AnthropicBedrock,
    options: (baseURL) => ({ awsRegion: 'us-west-2', skipAuth: true, baseURL }),
    resource: messages,
  },
  {
    name: 'AnthropicVertex',
    wire: vertex,
    type: AnthropicVertex,
    options: (baseURL) => ({
      region: 'europe-west1',
      projectId: 'house',
      authClient: { projectId: 'house', getRequestHeaders: async () => new Headers() },
      baseURL,
    }),
    resource: messages,
  },
];

/** What an object and its prototypes consist of. */
function partsOf(value: object): unknown[] {
  const parts: unknown[] = [];
  for (let at: object | null = value; at !== null; at = Object.getPrototypeOf(at) as object | null)
    for (const name of Reflect.ownKeys(at)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(at, name)!;
      parts.push(at, name, descriptor.value, descriptor.get, descriptor.set);
    }
  return parts;
}

describe.each(PLACES)('An observed client of $name', ({ wire, type, options, resource }) => {
  let bench: Bench;
  let callbacks: CallbacksService;
  let raw: Client;
  let client: Client;

  const newClient = (of: Place['type'], more: object = {}): Client => {
    const all = { ...options(bench.server.origin), maxRetries: 0, ...more };
    return new of(all as never) as Client;
  };

  beforeEach(async () => {
    bench = new Bench(wire);
    await bench.open();
    callbacks = bench.app.get(CallbacksService);
    raw = newClient(type);
    client = callbacks.observe(raw);
  });
  afterEach(() => bench.close());

  const body = (rest: object = {}) =>
    wire.name === 'responses'
      ? { model: wire.model, input: 'Hi', ...rest }
      : { model: wire.model, max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }], ...rest };
  const served = (...answers: Serve[]) =>
    bench.server.answers(...answers.map((serve) => servedBy(wire, serve)));
  const whole = () => says(wire, 'generate', HELLO);
  const streamed = () => says(wire, 'stream', HELLO);
  const open = () => stalled(wire.opening, wire.text('one'));
  const streamOf = async (of: object) =>
    (await resource(of).create(body({ stream: true }))) as Stream;
  const types = () => bench.recording.events.map(({ type: of }) => of);
  const ends = () => bench.recording.of('llm.end');
  const idle = () => bench.app.get(OpenRuns).idle();

  it('may be of a class with private fields, which its copy and its children have', async () => {
    class Private extends type {
      #asked = 0;
      readonly #ask = () => resource(this).create(body());

      async ask(): Promise<number> {
        await this.#ask().withResponse();
        return ++this.#asked;
      }

      static asked(one: Private): number {
        return one.#asked;
      }
    }
    served(whole(), whole(), whole());
    const copy = callbacks.observe(newClient(Private)) as unknown as Private & Client;
    const child = copy.withOptions({ timeout: 60_000 });
    expect([await copy.ask(), await copy.ask(), await child.ask()]).toEqual([1, 2, 1]);
    expect([Private.asked(copy), Private.asked(child)]).toEqual([2, 1]);
    expect(ends()).toHaveLength(3);
  });

  it('changes neither the client, nor its class, nor those of its resources', async () => {
    const all = () => [raw, type, resource(raw)].flatMap(partsOf);
    const before = all();
    served(whole());
    await resource(callbacks.observe(raw, { label: 'other' })).create(body());
    const after = all();
    expect(after).toHaveLength(before.length);
    expect(after.filter((part, i) => !Object.is(part, before[i]))).toEqual([]);
    expect(ends()).toHaveLength(1);
  });

  it('gives each half of a stream all of its events, by one request and one run', async () => {
    served(streamed(), streamed());
    const expected = await readAll(await streamOf(raw));
    const [left, right] = (await streamOf(client)).tee();
    expect(await Promise.all([readAll(left), readAll(right)])).toEqual([expected, expected]);
    expect(ends()).toMatchObject([{ text: HELLO.text }]);
    expect(bench.server.exchanges).toHaveLength(2);
  });

  it('reads on for one half of a stream after the reader of the other has left', async () => {
    served(streamed(), streamed());
    const expected = await readAll(await streamOf(raw));
    const [left, right] = (await streamOf(client)).tee();
    await readOne(left);
    expect(await readAll(right)).toEqual(expected);
    await idle();
    expect(ends()).toMatchObject([{ text: HELLO.text, finishReason: 'stop' }]);
  });

  it('ends the run and the request when the reader of a stream leaves', async () => {
    served(open());
    for await (const _ of await streamOf(client)) break;
    await idle();
    expect(ends()).toMatchObject([{ finishReason: 'cancelled' }]);
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
  });

  it('ends the run and the request when the reader of its ReadableStream leaves', async () => {
    served(open());
    const reader = (await streamOf(client)).toReadableStream().getReader();
    await reader.read();
    await reader.cancel();
    await idle();
    expect(ends()).toMatchObject([{ finishReason: 'cancelled' }]);
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
  });

  it('has helpers of streams, each of whose requests is one run in the chain that calls', async () => {
    served(streamed());
    const helper = resource(client).stream!(body()) as AsyncIterable<unknown>;
    await callbacks.chain('ask', {}, () => readAll(helper));
    await idle();
    expect(types().filter((of) => of === 'llm.start')).toHaveLength(1);
    expect(ends()).toMatchObject([{ text: HELLO.text }]);
  });

  it('is one run above a callbacks.fetch()', async () => {
    served(whole(), streamed());
    const both = callbacks.observe(newClient(type, { fetch: callbacks.fetch() }));
    await resource(both).create(body());
    await readAll(await streamOf(both));
    const sdk = wire.provider;
    expect(ends().map(({ origin }) => origin)).toEqual([sdk, sdk]);
    expect(bench.costs.requestCount).toBe(2);
  });

  it('reports the attempts of the client in one run', async () => {
    const busy = json(wire.error({ type: 'overloaded_error' }), 503, { 'retry-after-ms': '1' });
    served(busy, busy, whole());
    await resource(client.withOptions({ maxRetries: 2 })).create(body());
    expect(types()).toEqual(['llm.start', 'llm.retry', 'llm.retry', 'llm.end']);
    expect(ends()[0]!.attempts).toHaveLength(3);
  });

  it('sends the body of the raw client, without a request for usage', async () => {
    served(streamed(), streamed());
    for (const sender of [raw, client]) await readAll(await streamOf(sender));
    const [first, second] = bench.server.exchanges;
    expect(second!.text).toBe(first!.text);
    expect(second!.text).not.toContain('stream_options');
  });
});
