import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AnthropicBedrock, AnthropicBedrockMantle } from '@anthropic-ai/bedrock-sdk';
import type Anthropic from '@anthropic-ai/sdk';
import { CallbackAbort, CallbacksService, OnLlmStart } from 'nestjs-llm-callbacks';
import { anthropic } from '../support/wire/anthropic.js';
import { bedrock, CLOUDS, vertex } from '../support/wire/clouds.js';
import { chunkOf, exceptionOf } from '../support/wire/event-stream.js';
import { newAnthropic } from '../support/wire/sdk-clients.js';
import { Bench, errorOf, HELLO, json, readAll, says, type Serve } from '../support/wire/index.js';

/** A critical start handler that a test may let refuse. */
class Guard {
  isClosed = false;

  @OnLlmStart({ critical: true })
  onStart(): void {
    if (this.isClosed) throw new CallbackAbort('Not today.');
  }
}

interface SeenRequest {
  readonly url: string;
  readonly body: string;
  readonly method: string;
  readonly headers: Headers;
}

type Next = (request: SeenRequest) => Promise<Response>;
interface Context {
  readonly options?: { readonly path?: string };
  parse(response: Response): Promise<unknown>;
}

const LOOKUP = { id: 'call_1', name: 'lookup', argsText: '{"id":7}' };
/** US dollars of 1,000 input and 500 output tokens, as for calls of this library with these clients. */
const COSTS = { bedrock: 0.003_85, vertex: 0.003_5 };

let bench: Bench;
let callbacks: CallbacksService;
let guard: Guard;

beforeEach(async () => {
  bench = new Bench(anthropic, { providers: [Guard] });
  await bench.open();
  callbacks = bench.app.get(CallbacksService);
  guard = bench.app.get(Guard);
});
afterEach(() => bench.close());

const types = () => bench.recording.events.map(({ type }) => type);

describe.each(CLOUDS)('An observed client of $cloud', (wire) => {
  const question = {
    model: wire.model,
    max_tokens: 100,
    messages: [{ role: 'user' as const, content: 'Hi' }],
  };
  let raw: Anthropic;
  let client: Anthropic;

  beforeEach(() => {
    raw = wire.newClient(bench.server.origin);
    client = callbacks.observe(raw);
  });

  const served = (...answers: Serve[]) => bench.server.answers(...answers.map(wire.served));
  const whole = () => says(wire, 'generate', HELLO);
  const streamed = () => says(wire, 'stream', HELLO);
  const read = async (of: Anthropic) =>
    readAll(await of.messages.create({ ...question, stream: true }));

  it('is a copy of the same class, with the same fields', () => {
    expect(client.constructor).toBe(raw.constructor);
    expect(Object.keys(client)).toEqual(Object.keys(raw));
    expect(callbacks.observe(raw)).toBe(client);
  });

  it('sends the bytes of the raw client, gives its answer, and prices the call as an own one', async () => {
    served(whole(), whole());
    const expected = await raw.messages.create(question);
    expect(await client.messages.create(question)).toEqual(expected);
    const [first, second] = bench.server.exchanges;
    expect(decodeURIComponent(second!.path)).toBe(wire.path);
    expect(second!.path).toBe(first!.path);
    expect(second!.body).toEqual(first!.body);
    expect(second!.headers).toEqual(first!.headers);

    const label = { provider: wire.cloud, model: wire.model, origin: 'anthropic', observed: true };
    expect(bench.recording.of('llm.start')).toMatchObject([{ ...label, prompt: 'Hi' }]);
    expect(bench.recording.of('llm.end')).toMatchObject([{ ...label, text: HELLO.text }]);
    expect(bench.recording.of('llm.end')[0]!.cost).toBeCloseTo(COSTS[wire.cloud], 9);
  });

  it('gives the events of a stream, the end after its handlers', async () => {
    served(streamed(), streamed());
    const expected = await read(raw);
    expect(await read(client)).toEqual(expected);
    expect(decodeURIComponent(bench.server.exchanges[1]!.path)).toBe(wire.streamPath);
    const texts = bench.recording.of('llm.chunk').flatMap(({ chunk }) => chunk);
    expect(texts).toContainEqual(expect.objectContaining({ type: 'text' }));
    expect(bench.recording.of('llm.end')).toMatchObject([
      { text: HELLO.text, usage: { inputTokens: 1_000, outputTokens: 500, source: 'provider' } },
    ]);
    expect(bench.recording.of('llm.end')[0]!.cost).toBeCloseTo(COSTS[wire.cloud], 9);
  });

  it('reports the tools that are called, also through the helper of a stream and beta messages', async () => {
    const calls = { ...HELLO, toolCalls: [LOOKUP] };
    served(says(wire, 'stream', calls), says(wire, 'generate', calls));
    const message = await client.messages.stream(question).finalMessage();
    expect(message.content).toContainEqual(
      expect.objectContaining({ type: 'tool_use', input: { id: 7 } }),
    );
    await client.beta.messages.create(question);
    const called = { toolCalls: [{ id: 'call_1', name: 'lookup' }], finishReason: 'tool-calls' };
    expect(bench.recording.of('llm.end')).toMatchObject([called, called]);
  });

  it('rejects with the very error of a handler that refuses, and sends nothing', async () => {
    guard.isClosed = true;
    expect(await errorOf(client.messages.create(question))).toBeInstanceOf(CallbackAbort);
    expect(await errorOf(read(client))).toBeInstanceOf(CallbackAbort);
    expect(bench.server.exchanges).toEqual([]);
  });

  it('has children that are observed once, with middleware and a fetch of their own', async () => {
    const seen: string[] = [];
    const mine = async (request: SeenRequest, next: Next) => {
      seen.push('middleware');
      return next({ ...request });
    };
    const fetching: typeof fetch = (input, init) => {
      seen.push('fetch');
      return fetch(input, init);
    };
    served(whole(), whole(), whole());
    const child = client.withOptions({ middleware: [mine as never], fetch: fetching });
    await child.messages.create(question);
    expect(seen).toEqual(['middleware', 'fetch']);
    await child
      .withOptions({ middleware: [...child.middleware], fetch: undefined })
      .messages.create(question);
    expect(seen).toEqual(['middleware', 'fetch', 'middleware']);
    await child.withOptions({ middleware: undefined }).messages.create(question);
    expect(seen).toEqual(['middleware', 'fetch', 'middleware', 'fetch']);
    expect(bench.recording.of('llm.end')).toHaveLength(3);
  });

  it('stays observed when its middleware is replaced', async () => {
    const seen: string[] = [];
    client.middleware = [
      async (request, next) => {
        seen.push(request.method!);
        return next(request);
      },
    ];
    served(whole());
    await client.messages.create(question);
    expect(seen).toEqual(['POST']);
    expect(types()).toEqual(['llm.start', 'llm.end']);
  });

  it('shows middleware of the client and of a request what it sees without an observer', async () => {
    const seen: unknown[] = [];
    const mine = async (request: SeenRequest, next: Next, context: Context) => {
      const { url, body, method, headers } = request;
      const response = await next({ url, body, method, headers });
      seen.push(new URL(url).pathname, JSON.parse(body), method, context.options?.path);
      seen.push(response.headers.get('content-type'), await response.clone().text());
      return response;
    };
    const passing = async (request: SeenRequest, next: Next, context: Context) => {
      const response = await next(request);
      seen.push(await context.parse(response));
      return response;
    };
    const options = { middleware: [passing as never] };
    raw = wire.newClient(bench.server.origin, { middleware: [mine] });
    const ask = (of: Anthropic) => of.messages.create(question, options);
    served(whole(), whole());
    await ask(raw);
    const expected = seen.splice(0);
    await ask(callbacks.observe(raw));
    expect(seen).toEqual(expected);
    expect(seen).toContain('/v1/messages');
    expect(types()).toEqual(['llm.start', 'llm.end']);
  });

  it('ends its run at once when other middleware refuses, with the error of the raw client', async () => {
    const refusing = async () => {
      throw new RangeError('Not allowed.');
    };
    const options = { middleware: [refusing] };
    const expected = await errorOf(raw.messages.create(question, options));
    const error = await errorOf(client.messages.create(question, options));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe(expected.message);
    expect(types()).toEqual(['llm.start', 'llm.error']);
    expect(bench.server.exchanges).toEqual([]);
  });

  it('is answered by middleware that sends nothing', async () => {
    const answering = async () =>
      new Response(JSON.stringify(wire.answer(HELLO)), {
        headers: { 'content-type': 'application/json' },
      });
    const { content } = await client.messages.create(question, { middleware: [answering] });
    expect(content).toMatchObject([{ text: HELLO.text }]);
    expect(bench.recording.of('llm.end')).toMatchObject([{ text: HELLO.text }]);
  });

  it('is one attempt for middleware that sends a request again', async () => {
    const again = async (request: SeenRequest, next: Next) => {
      const response = await next(request);
      return response.ok ? response : next(request);
    };
    served(json(wire.error({ type: 'overloaded_error' }), 503), whole());
    await client.messages.create(question, { middleware: [again as never] });
    expect(types()).toEqual(['llm.start', 'llm.end']);
    expect(bench.server.exchanges).toHaveLength(2);
  });

  it('retries a lost connection as the raw client does', async () => {
    const lost: Serve = ({ response }) => void response.socket?.destroy();
    served(lost, whole());
    await client.messages.create(question);
    expect(types()).toEqual(['llm.start', 'llm.retry', 'llm.end']);
  });
});

const question = {
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'Hi' }],
};

it('An exception inside of a stream of Bedrock is the error of the raw client, and the run fails', async () => {
  const serve: Serve = ({ response }) => {
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    response.write(chunkOf(JSON.stringify({ type: 'ping' })));
    response.end(exceptionOf('throttlingException', 'Too many tokens.'));
  };
  bench.server.answers(serve, serve);
  const raw = bedrock.newClient(bench.server.origin);
  const read = async (client: Anthropic) =>
    readAll(await client.messages.create({ ...question, model: bedrock.model, stream: true }));
  const expected = await errorOf(read(raw));
  const error = await errorOf(read(callbacks.observe(raw)));
  expect(error.constructor).toBe(expected.constructor);
  expect(error.message).toBe(expected.message);
  expect(bench.recording.of('llm.error')).toMatchObject([
    { error: { code: 'rate_limit' }, aborted: false },
  ]);
});

it('A request that Bedrock signs is signed once, and has no more headers than that of the raw client', async () => {
  const raw = new AnthropicBedrock({
    awsRegion: 'us-west-2',
    awsAccessKey: 'key',
    awsSecretKey: 'secret',
    baseURL: bench.server.origin,
    maxRetries: 0,
  });
  bench.server.answers(says(bedrock, 'generate', HELLO), says(bedrock, 'generate', HELLO));
  for (const client of [raw, callbacks.observe(raw)])
    await client.messages.create({ ...question, model: bedrock.model });
  const [first, second] = bench.server.exchanges;
  expect(Object.keys(second!.headers)).toEqual(Object.keys(first!.headers));
  expect(second!.headers.authorization).toContain('AWS4-HMAC-SHA256 Credential=key/');
});

it('Credentials that Bedrock cannot get are asked for again as by the raw client', async () => {
  const raw = new AnthropicBedrock({
    awsRegion: 'us-west-2',
    providerChainResolver: async () => async () => {
      throw new Error('No credentials.');
    },
    baseURL: bench.server.origin,
    maxRetries: 1,
  });
  const ask = (client: AnthropicBedrock) =>
    client.messages.create({ ...question, model: bedrock.model });
  const expected = await errorOf(ask(raw));
  const error = await errorOf(ask(callbacks.observe(raw)));
  expect([error.constructor, error.message]).toEqual([expected.constructor, expected.message]);
  expect(types()).toEqual(['llm.start', 'llm.retry', 'llm.error']);
  expect(bench.server.exchanges).toEqual([]);
});

it('A token that Vertex cannot get is retried as by the raw client', async () => {
  let asked = 0;
  const authClient = {
    projectId: 'house',
    getRequestHeaders: async () => {
      asked++;
      if (asked === 1) throw new Error('No token.');
      return new Headers();
    },
  };
  const raw = vertex.newClient(bench.server.origin, { authClient });
  bench.server.answers(says(vertex, 'generate', HELLO));
  await callbacks.observe(raw).messages.create({ ...question, model: vertex.model });
  expect(types()).toEqual(['llm.start', 'llm.retry', 'llm.end']);
});

it("A client of Bedrock's own endpoint for messages is observed, and so are the models of ARNs", async () => {
  const arn = `arn:aws:bedrock:us-west-2:1:inference-profile/${bedrock.model}`;
  const raw = new AnthropicBedrockMantle({
    awsRegion: 'us-west-2',
    skipAuth: true,
    baseURL: bench.server.origin,
  });
  bench.server.answers(says(bedrock, 'generate', HELLO), says(bedrock, 'generate', HELLO));
  await callbacks.observe(raw).messages.create({ ...question, model: bedrock.model });
  const client = callbacks.observe(bedrock.newClient(bench.server.origin));
  await client.messages.create({ ...question, model: arn });
  expect(bench.recording.of('llm.end')).toMatchObject([
    { provider: 'bedrock', model: bedrock.model },
    { provider: 'bedrock', model: arn },
  ]);
});

it('A retry that could not be foreseen gives the answer of the raw client, although the run has failed', async () => {
  // Without the signal of the request, nobody knows that it was the connection that failed.
  const hiding = async ({ url, body, method, headers }: SeenRequest, next: Next) =>
    next({ url, body, method, headers });
  const raw = vertex.newClient(bench.server.origin, { middleware: [hiding] });
  const lost: Serve = ({ response }) => void response.socket?.destroy();
  bench.server.answers(lost, says(vertex, 'generate', HELLO));
  const client = callbacks.observe(raw);
  const { content } = await client.messages.create({ ...question, model: vertex.model });
  expect(content).toMatchObject([{ text: HELLO.text }]);
  expect(types()).toEqual(['llm.start', 'llm.error']);
});

it("A token that Anthropic's client renews after a refusal is renewed once", async () => {
  const tokens = ['old', 'new'];
  const raw = newAnthropic(bench.server.origin, {
    apiKey: undefined,
    credentials: async () => ({ token: tokens.shift() ?? 'none', expiresAt: null }),
  });
  const refused = json(anthropic.error({ type: 'authentication_error' }), 401);
  bench.server.answers(refused, says(anthropic, 'generate', HELLO));
  await callbacks.observe(raw).messages.create({ ...question, model: anthropic.model });
  const sent = bench.server.exchanges.map(({ headers }) => headers.authorization);
  expect(sent).toEqual(['Bearer old', 'Bearer new']);
  expect(types()).toEqual(['llm.start', 'llm.retry', 'llm.end']);
});
