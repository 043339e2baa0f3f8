import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import { CallbackAbort, CallbacksService, OnLlmStreamChunk } from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../src/runs/active-run.js';
import { anthropic } from '../support/wire/anthropic.js';
import { Bench } from '../support/wire/bench.js';
import { says } from '../support/wire/calls.js';
import { openai } from '../support/wire/openai.js';
import { responses } from '../support/wire/responses.js';
import { events, json, stalled } from '../support/wire/serve.js';
import type { Serve } from '../support/wire/server.js';
import { HELLO, type WireFormat } from '../support/wire/wire-format.js';
import { CLIENT_KINDS, type ClientKind, type Resource } from './equals-raw/kinds.js';

const WIRE_BY_API: Readonly<Record<ClientKind['api'], WireFormat>> = {
  chat: openai,
  responses,
  anthropic,
  embeddings: openai,
};

/** No other timer has this delay. */
const UNREAD_MS = 234_561;

/** A handler that a test lets fail. */
class Guard {
  isOn = false;

  @OnLlmStreamChunk({ critical: true })
  onChunk(): void {
    if (this.isOn) throw new CallbackAbort('Stop there.');
  }
}

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFrozen);
  return Object.freeze(value);
}

describe.each(CLIENT_KINDS)('An observed client of $name', (kind) => {
  const wire = WIRE_BY_API[kind.api];
  const isLlm = kind.api !== 'embeddings';
  let bench: Bench;
  let client: OpenAI;
  let resource: Resource;

  beforeEach(async () => {
    bench = new Bench(wire, { providers: [Guard] });
    await bench.open();
    const raw = kind.newClient(bench.server.origin, { maxRetries: 1 }) as OpenAI;
    client = bench.app.get(CallbacksService).observe(raw, { unreadMs: UNREAD_MS });
    resource = kind.resource(client);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await bench.close();
  });

  const body = (rest: object = {}) =>
    kind.api === 'responses' || !isLlm
      ? { model: wire.model, input: 'Hi', ...rest }
      : { model: wire.model, max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }], ...rest };
  const whole = (): Serve =>
    isLlm
      ? says(wire, 'generate', HELLO)
      : json({ data: [{ index: 0, embedding: [1] }], usage: { prompt_tokens: 1 } });
  const endings = () => bench.recording.events.filter(({ type }) => /\.(end|error)$/.test(type));
  const idle = () => bench.app.get(OpenRuns).idle();

  it('is one run, however often the promise of a call is awaited and its response is taken', async () => {
    bench.server.answers(whole());
    const calling = resource.create(body());
    const [first, second] = await Promise.all([calling, calling]);
    expect(second).toBe(first);
    expect(await calling).toBe(first);
    const { data, response } = await calling.withResponse();
    expect(data).toBe(first);
    expect(await calling.asResponse()).toBe(response);
    expect(endings()).toHaveLength(1);
    expect(bench.server.exchanges).toHaveLength(1);
  });

  it('returns a promise of the class that the client itself returns', async () => {
    bench.server.answers(whole(), whole());
    const raw = kind.resource(kind.newClient(bench.server.origin));
    const [own, observed] = [raw.create(body()), resource.create(body())];
    expect(observed.constructor).toBe(own.constructor);
    await Promise.all([own, observed]);
  });

  it('changes neither the body nor the options of a call', async () => {
    bench.server.answers(whole());
    const given = body({ metadata: { of: 'mine' } });
    const before = structuredClone(given);
    const signal = new AbortController().signal;
    await resource.create(deepFrozen(given), Object.freeze({ signal }));
    expect(given).toEqual(before);
    // Clouds have the model in the path.
    const { model: _model, ...sent } = before;
    expect(bench.server.exchanges[0]!.body).toMatchObject(kind.cloud ? sent : before);
  });

  it('has children and grandchildren of its class that are observed, each call once', async () => {
    bench.server.answers(whole(), whole());
    const child = client.withOptions({ timeout: 60_000 });
    const grandchild = child.withOptions({ maxRetries: 0 });
    for (const one of [child, grandchild]) {
      expect(one).toBeInstanceOf(client.constructor);
      await kind.resource(one).create(body());
    }
    expect(endings()).toHaveLength(2);
  });

  it('reads pages of models as a raw one does, which are no runs', async () => {
    // Clients of clouds have no models.
    if (kind.cloud !== undefined) return;
    const page = { object: 'list', data: [{ id: 'a' }, { id: 'b' }], has_more: false };
    bench.server.answers(json(page), json(page));
    const ids: string[] = [];
    for await (const { id } of client.models.list()) ids.push(id);
    expect(ids).toEqual(['a', 'b']);
    const { data } = await client.models.list().withResponse();
    expect(data.getPaginatedItems()).toHaveLength(2);
    expect(bench.recording.events).toEqual([]);
  });

  it('ends the run of a response that nobody reads, and cancels its request', async () => {
    bench.server.answers(({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{');
    });
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const response = await resource.create(body()).asResponse();
    expect(response.bodyUsed).toBe(false);
    const expired = timers.mock.calls.findLast(([, delay]) => delay === UNREAD_MS);
    expired![0]();
    await idle();
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    expect(endings()).toHaveLength(1);
  });

  it('cancels the request at once when its run is ended while nobody reads the answer', async () => {
    bench.server.answers(({ response }) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{');
    });
    const response = await resource.create(body()).asResponse();
    bench.app.get(OpenRuns).abortAll(new Error('The application closes.'));
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    await expect(response.text()).rejects.toThrow('The application closes.');
    expect(endings()).toHaveLength(1);
  });

  if (!isLlm) return;

  it('reads no further than its reader', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('one')));
    const body1 = (await resource.create(body({ stream: true })).asResponse()).body!;
    await new Promise(setImmediate);
    expect(bench.recording.of('llm.chunk')).toEqual([]);
    await body1.cancel();
    await idle();
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
  });

  it('hands on nothing of the bytes in which a critical handler finds what stops the run', async () => {
    bench.server.answers(events(...wire.stream(HELLO)));
    bench.app.get(Guard).isOn = true;
    const response = await resource.create(body({ stream: true })).asResponse();
    const received: unknown[] = [];
    const reading = async () => {
      for await (const piece of response.body!) received.push(piece);
    };
    await expect(reading()).rejects.toThrow('Stop there.');
    expect(received).toEqual([]);
    expect(endings()).toHaveLength(1);
  });

  it('throws the error of the client itself when its caller aborts between two reads of the body', async () => {
    const aborter = new AbortController();
    bench.server.answers(stalled(wire.opening, wire.text('one')));
    const { signal } = aborter;
    const response = await resource.create(body({ stream: true }), { signal }).asResponse();
    const reader = response.body!.getReader();
    await reader.read();
    aborter.abort();
    await idle();
    await expect(reader.read()).rejects.toBeInstanceOf(DOMException);
    expect(bench.recording.of('llm.error')).toMatchObject([{ aborted: true }]);
  });
});

it('An observed client of Anthropic counts tokens and sends batches, which are no runs', async () => {
  const bench = new Bench(anthropic);
  await bench.open();
  const kind = CLIENT_KINDS.find(({ api }) => api === 'anthropic')!;
  const raw = kind.newClient(bench.server.origin) as Anthropic;
  const { messages } = bench.app.get(CallbacksService).observe(raw);
  bench.server.answers(json({ input_tokens: 7 }), json({ id: 'batch' }));
  const counted = await messages.countTokens({ model: anthropic.model, messages: [] });
  expect(counted.input_tokens).toBe(7);
  await messages.batches.create({ requests: [] });
  expect(bench.recording.events).toEqual([]);
  await bench.close();
});
