import { afterEach, describe, expect, it } from '@jest/globals';
import type OpenAI from 'openai';
import {
  CacheInterceptor,
  CallbacksService,
  CircuitBreakerInterceptor,
  CostLimiter,
  FallbackInterceptor,
  InterceptLlm,
  RateLimiter,
  RetryInterceptor,
  TimeoutInterceptor,
  type InterceptedLlmCall,
  type LlmNext,
} from 'nestjs-llm-callbacks';
import { Bench, errorOf, HELLO, json, says } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';
import { newOpenAi } from '../support/wire/sdk-clients.js';

const QUESTION = { model: openai.model, messages: [{ role: 'user' as const, content: 'Hi' }] };

type Around = (call: InterceptedLlmCall, next: LlmNext) => unknown;

class Does {
  constructor(private readonly what: Around) {}

  @InterceptLlm()
  around(call: InterceptedLlmCall, next: LlmNext): unknown {
    return this.what(call, next);
  }
}

let bench: Bench;
let client: OpenAI;

async function start(...callbacks: object[]): Promise<void> {
  bench = new Bench(openai, { callbacks });
  await bench.open();
  client = bench.app
    .get(CallbacksService)
    .observe(newOpenAi(bench.server.origin, { maxRetries: 0 }));
}

afterEach(() => bench.close());

async function ask(stream: boolean): Promise<string> {
  if (!stream) {
    const { choices } = await client.chat.completions.create(QUESTION);
    return choices[0]!.message.content!;
  }
  let text = '';
  for await (const { choices } of await client.chat.completions.create({ ...QUESTION, stream }))
    text += choices[0]?.delta.content ?? '';
  return text;
}

describe.each([
  ['whole', false],
  ['streamed', true],
])('An interceptor of an observed call, %s,', (_, stream) => {
  const answer = () => says(openai, stream ? 'stream' : 'generate', HELLO);

  it('may wait, watch and pass the call on', async () => {
    const seen: unknown[] = [];
    await start(
      new Does(async (call, next) => {
        seen.push(call.observed, call.streaming, call.client);
        await Promise.resolve();
        return next();
      }),
    );
    bench.server.answers(answer());
    expect(await ask(stream)).toBe(HELLO.text);
    expect(seen).toEqual([true, stream, 'default']);
  });

  it.each<[string, Around]>([
    ['answers itself', async () => ({ text: 'mine' })],
    ['changes the request', (call, next) => next({ ...call.request, temperature: 1 })],
    ['asks another client', (_call, next) => next(undefined, { client: 'default' })],
    ['asks twice', (_call, next) => [next(), next()][1]],
  ])('that %s fails the call by its name, and nothing is lost', async (_what, around) => {
    await start(new Does(around));
    bench.server.answers(answer());
    const error = await errorOf(ask(stream));
    expect(error).toMatchObject({ name: 'ObservedCallError', code: 'observed_call' });
    expect(bench.recording.of('llm.error')).toHaveLength(1);
  });

  it('may be one of the built-ins, each of which lets the call pass', async () => {
    const limiter = new CostLimiter({ maxCost: 1 });
    await start(
      new CacheInterceptor({ shared: true }),
      new FallbackInterceptor({ clients: ['other'] }),
      new RetryInterceptor(),
      new TimeoutInterceptor(),
      new CircuitBreakerInterceptor(),
      new RateLimiter({ requestsPerMinute: 10, mode: 'wait' }),
      limiter,
    );
    bench.server.answers(answer(), answer());
    expect(await ask(stream)).toBe(HELLO.text);
    expect(await ask(stream)).toBe(HELLO.text);
    const { used, reserved } = await limiter.usage();
    expect(used).toBeCloseTo(bench.costs.totalCost, 9);
    expect(reserved).toBe(0);
    expect(bench.server.exchanges).toHaveLength(2);
  });

  it('may open its circuit, which refuses the next call', async () => {
    const breaker = new CircuitBreakerInterceptor({ failures: 1 });
    await start(breaker);
    const busy = json(openai.error({ type: 'overloaded_error' }), 503);
    bench.server.answers(busy);
    await errorOf(ask(stream));
    expect(breaker.state()).toBe('open');
    expect(await errorOf(ask(stream))).toMatchObject({ name: 'LlmOverloadedError' });
    expect(bench.server.exchanges).toHaveLength(1);
  });
});
