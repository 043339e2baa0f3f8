import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, streamText } from 'ai';
import { CallbackAbort, CallbacksService, CostLimiter, OnLlmStart } from 'nestjs-llm-callbacks';
import { forbidRealLlm } from 'nestjs-llm-callbacks/testing';
import { OpenRuns } from '../../src/runs/active-run.js';
import { Bench, errorOf, HELLO, json, says, stalled } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';
import { responses } from '../support/wire/responses.js';
import { fetchInRealm, newOpenAi } from '../support/wire/sdk-clients.js';

const BODY = { model: openai.model, messages: [{ role: 'user', content: 'Hi' }] };
const JSON_TYPE = { 'content-type': 'application/json' };

/** A start handler that may refuse. */
class Guard {
  refuses = false;

  @OnLlmStart({ critical: true })
  onStart(): void {
    if (this.refuses) throw new CallbackAbort('Not today.');
  }
}

let bench: Bench;
let callbacks: CallbacksService;
let fetching: typeof fetch;

async function open(limiters: CostLimiter[] = []): Promise<void> {
  bench = new Bench(openai, { providers: [Guard], callbacks: limiters });
  await bench.open();
  callbacks = bench.app.get(CallbacksService);
  fetching = callbacks.fetch({ fetch: fetchInRealm });
}

const types = () => bench.recording.events.map(({ type }) => type);
const url = () => `${bench.server.origin}/v1/chat/completions`;
const post = (body: unknown = BODY): RequestInit => ({
  method: 'POST',
  headers: JSON_TYPE,
  body: JSON.stringify(body),
});
const whole = () => says(openai, 'generate', HELLO);
const CALL = ['llm.start', 'llm.end'];

beforeEach(() => open());
afterEach(() => bench.close());

describe('callbacks.fetch()', () => {
  it.each<[string, () => [Parameters<typeof fetch>[0], RequestInit?]]>([
    ['a text', () => [url(), post()]],
    ['a URL', () => [new URL(url()), post()]],
    ['a Request', () => [new Request(url(), post())]],
    ['a Request whose body is replaced', () => [new Request(url(), post('?')), post()]],
    ['bytes', () => [url(), { ...post(), body: Buffer.from(JSON.stringify(BODY)) }]],
    ['a path with a query', () => [`${url()}?api-version=1`, post()]],
    ['a method in lower case', () => [url(), { ...post(), method: 'post' }]],
  ])('observes a request given as %s', async (_, given) => {
    bench.server.answers(whole());
    const response = await fetching(...given());
    expect(await response.json()).toMatchObject({ object: 'chat.completion' });
    expect(types()).toEqual(CALL);
    expect(bench.recording.of('llm.end')).toMatchObject([
      { origin: 'fetch', observed: true, text: HELLO.text, provider: 'openai' },
    ]);
    expect(bench.server.exchanges.at(-1)!.body).toEqual(BODY);
  });

  it.each<[string, string, RequestInit | undefined]>([
    ['a GET', '/v1/chat/completions', undefined],
    ['models', '/v1/models', post()],
    ['messages of threads', '/v1/threads/t/messages', post({ role: 'user', content: 'Hi' })],
    ['messages of another API', '/messages', post({ text: 'Hi' })],
    ['a body that is not JSON', '/v1/chat/completions', { ...post(), body: 'Hi' }],
    ['a body that is a list', '/v1/chat/completions', post([BODY])],
    ['a form', '/v1/chat/completions', { ...post(), body: new FormData() }],
  ])('hands on %s as it is', async (_, path, init) => {
    const given: unknown[] = [];
    const answer = new Response('{}');
    const observed = callbacks.fetch({
      fetch: async (...request) => {
        given.push(request);
        return answer;
      },
    });
    expect(await observed(bench.server.origin + path, init)).toBe(answer);
    expect(given).toEqual([[bench.server.origin + path, init]]);
    expect((given as unknown[][])[0]![1]).toBe(init);
    expect(types()).toEqual([]);
  });

  it('gives what the inner fetch gives for what is no request', async () => {
    const observed = callbacks.fetch({ fetch: async () => new Response('{}') });
    for (const input of [undefined, '/v1/chat/completions', 'http://', 7])
      expect(await observed(input as never, post())).toBeInstanceOf(Response);
    expect(types()).toEqual([]);
  });

  it('knows the deployment in a path of Azure as the model', async () => {
    bench.server.answers(whole());
    const path = '/openai/deployments/my%20gpt/chat/completions?api-version=1';
    await (await fetching(bench.server.origin + path, post({ messages: BODY.messages }))).text();
    expect(bench.recording.of('llm.start')).toMatchObject([{ model: 'my gpt' }]);
    expect(bench.server.exchanges.at(-1)!.body).toEqual({ messages: BODY.messages });
  });

  it('takes a deployment that cannot be decoded as it is written', async () => {
    bench.server.answers(whole());
    const path = '/openai/deployments/50%/chat/completions';
    await (await fetching(bench.server.origin + path, post({ messages: BODY.messages }))).text();
    expect(bench.recording.of('llm.start')).toMatchObject([{ model: '50%' }]);
  });

  it('leaves a body that was read already to the inner fetch', async () => {
    const request = new Request(url(), post());
    await request.text();
    const given: unknown[] = [];
    const inner = async (input: unknown) => {
      given.push(input);
      return new Response('{}');
    };
    await callbacks.fetch({ fetch: inner })(request);
    expect(given).toEqual([request]);
    expect(types()).toEqual([]);
  });

  it("asks for usage with usage: 'ask', in a body whose length was known", async () => {
    const asking = callbacks.fetch({ fetch: fetchInRealm, usage: 'ask' });
    const { body, ...rest } = post({ ...BODY, stream: true });
    const length = String((body as string).length);
    const requests = [
      new Request(url(), { ...rest, body: body! }),
      { ...rest, body: body!, headers: { ...JSON_TYPE, 'content-length': length } },
    ];
    for (const request of requests) {
      bench.server.answers(says(openai, 'stream', HELLO));
      const response =
        request instanceof Request ? await asking(request) : await asking(url(), request);
      await response.text();
      expect(bench.server.exchanges.at(-1)).toMatchObject({
        headers: JSON_TYPE,
        body: { ...BODY, stream: true, stream_options: { include_usage: true } },
      });
    }
  });

  it('rejects with the error of a refusal, and sends nothing', async () => {
    bench.app.get(Guard).refuses = true;
    const error = await errorOf(fetching(url(), post()));
    expect(error).toBeInstanceOf(CallbackAbort);
    expect(bench.server.exchanges).toEqual([]);
  });

  it('refuses a client of an SDK by a body that fails, which the client does not retry', async () => {
    await bench.close();
    await open([new CostLimiter({ maxCost: 1e-9 })]);
    const client = newOpenAi(bench.server.origin, { fetch: fetching, maxRetries: 2 });
    const error = await errorOf(
      client.chat.completions.create({ ...BODY, max_tokens: 9 } as never),
    );
    expect(error).toMatchObject({ code: 'budget_exceeded' });
    expect(types()).toEqual(['llm.start', 'llm.error']);
    expect(bench.server.exchanges).toEqual([]);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'Hi'],
  ])('fails the run and rejects if the inner fetch gives %s', async (_, given) => {
    const observed = callbacks.fetch({ fetch: async () => given as never });
    expect(await errorOf(observed(url(), post()))).toBeInstanceOf(TypeError);
    expect(types()).toEqual(['llm.start', 'llm.error']);
  });

  it('fails the run alone if the inner fetch gives a body that is no web stream', async () => {
    const foreign = { ok: true, status: 200, headers: new Headers(), json: async () => ({}) };
    const observed = callbacks.fetch({ fetch: async () => foreign as never });
    expect(await observed(url(), post())).toBe(foreign);
    expect(bench.recording.of('llm.error')).toMatchObject([
      { error: { code: 'invalid_response' } },
    ]);
  });

  it('sends nothing for a request that was aborted before', async () => {
    const init = { ...post(), signal: AbortSignal.abort() };
    expect(await errorOf(fetching(url(), init))).toMatchObject({ name: 'AbortError' });
    expect(types()).toEqual(['llm.start', 'llm.error']);
    expect(bench.server.exchanges).toEqual([]);
  });

  describe('whose caller is a client that aborts its request when its reader leaves', () => {
    const aborter = () => new AbortController();
    const opened = async (signal: AbortSignal) => {
      bench.server.answers(stalled(openai.opening, openai.text('one')));
      const init = post({ ...BODY, stream: true });
      const headers = { ...JSON_TYPE, 'x-stainless-lang': 'js' };
      const { body } = await fetching(url(), { ...init, headers, signal });
      const reader = body!.getReader();
      while (bench.recording.of('llm.chunk').length === 0) await reader.read();
      return reader;
    };

    it('ends the run as cancelled', async () => {
      const leaving = aborter();
      const reader = await opened(leaving.signal);
      leaving.abort();
      await Promise.resolve();
      await reader.cancel();
      await bench.app.get(OpenRuns).idle();
      expect(bench.recording.of('llm.end')).toMatchObject([{ finishReason: 'cancelled' }]);
      expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    });

    it('ends the run as aborted if the reader waits, although its client then cancels the body', async () => {
      const aborting = aborter();
      const reader = await opened(aborting.signal);
      const reading = reader.read().catch(() => undefined);
      aborting.abort();
      await reader.cancel();
      await reading;
      await bench.app.get(OpenRuns).idle();
      expect(bench.recording.of('llm.error')).toMatchObject([{ aborted: true }]);
    });

    it('ends the run as aborted if the reader stays', async () => {
      const aborting = aborter();
      const reader = await opened(aborting.signal);
      const failing = errorOf(reader.read());
      aborting.abort(new RangeError('Enough.'));
      expect(await failing).toBe(aborting.signal.reason);
      await bench.app.get(OpenRuns).idle();
      expect(bench.recording.of('llm.error')).toMatchObject([{ aborted: true }]);
      expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    });
  });

  it('uses the global fetch of the time of the request', async () => {
    const observed = callbacks.fetch();
    bench.server.answers(whole());
    await (await observed(url(), post())).text();
    expect(types()).toEqual(CALL);
  });

  it.each<[string, object]>([
    ['there is no option "fetsh"; did you mean "fetch"?', { fetsh: fetchInRealm }],
    ['fetch must be a function', { fetch: 'https://' }],
    ['unreadMs must be', { unreadMs: 0 }],
    ['no client "nobody"', { name: 'nobody' }],
  ])('rejects options: %s', (message, options) => {
    expect(() => callbacks.fetch(options)).toThrow(message);
  });

  it('does not ask a real model while forbidRealLlm() is in force', async () => {
    const allow = forbidRealLlm();
    try {
      let isSent = false;
      const send = async () => {
        isSent = true;
        return new Response('{}');
      };
      const observed = callbacks.fetch({ fetch: send });
      const real = 'https://api.openai.com/v1';
      expect(await errorOf(observed(`${real}/chat/completions`, post()))).toMatchObject({
        code: 'real_llm_call',
      });
      const client = callbacks.observe(newOpenAi(real, { fetch: send, baseURL: real }));
      const error = await errorOf(client.chat.completions.create(BODY as never));
      expect(error).toMatchObject({ code: 'real_llm_call' });
      expect(error.message).toContain('api.openai.com');
      expect(isSent).toBe(false);
      // A server on this machine is not a real model.
      bench.server.answers(whole());
      await (await fetching(url(), post())).text();
    } finally {
      allow();
    }
  });
});

describe('AI SDK over callbacks.fetch()', () => {
  const provider = () =>
    createOpenAI({ apiKey: 'k', baseURL: `${bench.server.origin}/v1`, fetch: fetching });

  it.each([
    ['chat completions', openai, 'chat'],
    ['Responses', responses, 'responses'],
  ] as const)('generates and streams text by %s', async (_, wire, api) => {
    bench.server.answers(says(wire, 'generate', HELLO), says(wire, 'stream', HELLO));
    const model = provider()[api](wire.model);
    const { text } = await generateText({ model, prompt: 'Hi' });
    expect(text).toBe(HELLO.text);
    let streamed = '';
    for await (const delta of streamText({ model, prompt: 'Hi' }).textStream) streamed += delta;
    expect(streamed).toBe(HELLO.text);
    expect(bench.recording.of('llm.end')).toMatchObject([
      { text: HELLO.text, origin: 'fetch' },
      { text: HELLO.text, origin: 'fetch' },
    ]);
  });

  it('rejects with the error of a refusal, after one request that was not sent', async () => {
    bench.app.get(Guard).refuses = true;
    const model = provider().chat(openai.model);
    const error = await errorOf(generateText({ model, prompt: 'Hi' }));
    expect(error).toBeInstanceOf(CallbackAbort);
    expect(types()).toEqual(['llm.start', 'llm.error']);
    let failed: unknown;
    const onError = ({ error: thrown }: { error: unknown }) => void (failed = thrown);
    await streamText({ model, prompt: 'Hi', onError }).consumeStream();
    expect(failed).toBeInstanceOf(CallbackAbort);
    expect(bench.server.exchanges).toEqual([]);
  });

  it('fails as for any answer that the provider cannot read', async () => {
    bench.server.answers(json({ error: { message: 'No.' } }, 400));
    const error = await errorOf(generateText({ model: provider().chat('m'), prompt: 'Hi' }));
    expect(error.name).toBe('AI_APICallError');
    expect(bench.recording.of('llm.error')).toHaveLength(1);
  });
});
