import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import { CallbacksService, CostLimiter } from 'nestjs-llm-callbacks';
import {
  Bench,
  cutStream,
  errorOf,
  HELLO,
  json,
  says,
  stalled,
  WIRES,
  type WireFormat,
} from '../support/wire/index.js';
import { OpenRuns } from '../../src/runs/active-run.js';
import { settle } from '../support/gate.js';
import { newClient } from '../support/wire/sdk-clients.js';

type Client = OpenAI | Anthropic;

/** Calls a client as an application does; returns what it gives. */
async function ask(wire: WireFormat, client: Client, options: object = {}): Promise<unknown> {
  return send(wire, client, false, options);
}

function send(wire: WireFormat, client: Client, stream: boolean, options: object = {}) {
  const { model } = wire;
  if (wire.name === 'responses') {
    const body = { model, input: 'Hi', stream, max_output_tokens: 100 };
    return (client as OpenAI).responses.create(body as never, options);
  }
  const body = { model, messages: [{ role: 'user', content: 'Hi' }], stream, max_tokens: 100 };
  return wire.name === 'openai'
    ? (client as OpenAI).chat.completions.create(body as never, options)
    : (client as Anthropic).messages.create(body as never, options);
}

async function read(wire: WireFormat, client: Client, options: object = {}): Promise<unknown[]> {
  const stream = (await send(wire, client, true, options)) as unknown as AsyncIterable<unknown>;
  const given: unknown[] = [];
  for await (const event of stream) given.push(event);
  return given;
}

describe.each(WIRES)('A client of $name that is observed', (wire) => {
  let bench: Bench;
  let raw: Client;
  let client: Client;
  const limited: object[] = [];

  beforeEach(async () => {
    bench = new Bench(wire, { callbacks: limited });
    await bench.open();
    raw = newClient(wire, bench.server.origin, { maxRetries: 1 });
    client = bench.app.get(CallbacksService).observe(raw as OpenAI);
  });
  afterEach(async () => {
    limited.length = 0;
    await bench.close();
  });

  const types = () => bench.recording.events.map(({ type }) => type);
  const whole = () => says(wire, 'generate', HELLO);
  const streamed = () => says(wire, 'stream', HELLO);

  it('gives the same whole answer for the same request, and its call is a run', async () => {
    bench.server.answers(whole(), whole());
    const expected = await ask(wire, raw);
    expect(await ask(wire, client)).toEqual(expected);

    const [first, second] = bench.server.exchanges;
    expect(second!.body).toEqual(first!.body);
    expect(types()).toEqual(['llm.start', 'llm.end']);
    expect(bench.recording.of('llm.start')).toMatchObject([
      { prompt: 'Hi', model: wire.model, streaming: false, origin: wire.provider, observed: true },
    ]);
    expect(bench.recording.of('llm.end')).toMatchObject([
      {
        text: HELLO.text,
        usage: { inputTokens: 1_000, outputTokens: 500 },
        provider: wire.provider,
      },
    ]);
    expect(bench.costs).toMatchObject({ requestCount: 1, totalTokens: 1_500 });
    expect(bench.costs.totalCost).toBeGreaterThan(0);
  });

  it.each([false, true])(
    'aborts no request whose answer was read, streamed: %s',
    async (stream) => {
      const signals: AbortSignal[] = [];
      const fetching: typeof fetch = (input, init) => {
        signals.push(init!.signal!);
        return fetch(input, init);
      };
      const own = newClient(wire, bench.server.origin, { fetch: fetching });
      const copy = bench.app.get(CallbacksService).observe(own as OpenAI);
      bench.server.answers(stream ? streamed() : whole());
      await (stream ? read(wire, copy) : ask(wire, copy));
      await settle();
      expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    },
  );

  it('gives the same events of a stream, each after its handlers, and the end after those of the end', async () => {
    bench.server.answers(streamed(), streamed());
    const expected = await read(wire, raw);
    const given = (await send(wire, client, true)) as unknown as AsyncIterable<unknown>;
    const events: unknown[] = [];
    for await (const event of given) events.push(event);
    expect(types()).toContain('llm.end');
    expect(events).toEqual(expected);

    const chunks = bench.recording.of('llm.chunk');
    const texts = chunks.flatMap(({ chunk }) => (chunk.type === 'text' ? [chunk.text] : []));
    expect(texts.join('')).toBe(HELLO.text);
    expect(bench.recording.of('llm.end')).toMatchObject([
      { text: HELLO.text, finishReason: 'stop' },
    ]);
    expect(bench.costs).toMatchObject({ requestCount: 1 });
  });

  it('ends as cancelled when its reader stops, and cancels the request', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('one')));
    const stream = (await send(wire, client, true)) as unknown as AsyncIterable<unknown>;
    for await (const _ of stream) if (bench.recording.of('llm.chunk').length > 0) break;
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    await bench.app.get(OpenRuns).idle();
    expect(bench.recording.of('llm.end')).toMatchObject([
      { text: 'one', finishReason: 'cancelled' },
    ]);
  });

  it('throws the errors of the client, and its run ends in an error of this library', async () => {
    const body = wire.error({ type: 'authentication_error', message: 'No.' });
    bench.server.answers(json(body, 401), json(body, 401));
    const expected = await errorOf(ask(wire, raw));
    const error = await errorOf(ask(wire, client));
    expect(error.constructor).toBe(expected.constructor);
    expect(error.message).toBe(expected.message);
    expect(bench.recording.of('llm.error')).toMatchObject([
      { error: { code: 'authentication' }, aborted: false },
    ]);
  });

  it('reports the retries of the client', async () => {
    const busy = json(wire.error({ type: 'overloaded_error' }), 503, { 'retry-after-ms': '1' });
    bench.server.answers(busy, whole());
    await ask(wire, client);
    expect(types()).toEqual(['llm.start', 'llm.retry', 'llm.end']);
    expect(bench.recording.of('llm.end')[0]!.attempts).toHaveLength(2);
  });

  it('retries as the client does, without waiting for the body of a refusal', async () => {
    bench.server.answers(({ response }) => {
      response.writeHead(503, { 'retry-after-ms': '1' }).write('{"error":');
    }, whole());
    await ask(wire, client);
    expect(bench.recording.of('llm.retry')).toMatchObject([{ error: { status: 503 } }]);
    expect(bench.recording.of('llm.end')).toHaveLength(1);
  });

  it('does not hide a lost connection', async () => {
    bench.server.answers(cutStream(wire.opening), cutStream(wire.opening));
    const expected = await errorOf(read(wire, raw));
    const error = await errorOf(read(wire, client));
    expect([error.constructor, error.message]).toEqual([expected.constructor, expected.message]);
    expect(bench.recording.of('llm.error')).toHaveLength(1);
  });

  it('throws its own error of an abort', async () => {
    const aborter = new AbortController();
    bench.server.answers(stalled(wire.opening));
    const failing = errorOf(read(wire, client, { signal: aborter.signal }));
    await bench.server.exchange(0);
    aborter.abort();
    await failing;
    await bench.app.get(OpenRuns).idle();
    expect(bench.recording.of('llm.error')).toMatchObject([{ aborted: true }]);
  });

  it('sends nothing that a budget refuses', async () => {
    limited.push(new CostLimiter({ maxCost: 0 }));
    await bench.close();
    await bench.open();
    raw = newClient(wire, bench.server.origin);
    client = bench.app.get(CallbacksService).observe(raw as OpenAI);
    for (const calling of [ask(wire, client), read(wire, client)])
      expect(await errorOf(calling)).toMatchObject({ name: 'BudgetExceededError' });
    expect(bench.server.exchanges).toEqual([]);
  });
});
