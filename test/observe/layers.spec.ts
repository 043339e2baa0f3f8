import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type OpenAI from 'openai';
import {
  CallbacksService,
  CostLimiter,
  InterceptLlm,
  type LlmChunk,
  type LlmNext,
  type LlmProvider,
  LlmService,
  OnLlmEnd,
  type ProviderResult,
} from 'nestjs-llm-callbacks';
import { Bench, HELLO, readAll, says } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';
import { fetchInRealm, newOpenAi } from '../support/wire/sdk-clients.js';

type Fetch = typeof fetch;

const QUESTION = { model: openai.model, messages: [{ role: 'user' as const, content: 'Hi' }] };
const CALL = ['llm.start', 'llm.end'];

/** A layer that exists only when the application does. */
let layer: Fetch;
const late: Fetch = (...request) => layer(...request);

/** Code of the application that makes an observed call while another call runs. */
class Asks {
  ask: (() => Promise<unknown>) | undefined;

  async once(): Promise<void> {
    const { ask } = this;
    this.ask = undefined;
    await ask?.();
  }
}

class Around extends Asks {
  @InterceptLlm()
  async around(_: unknown, next: LlmNext): Promise<unknown> {
    await this.once();
    return next();
  }
}

class AtEnd extends Asks {
  @OnLlmEnd()
  onEnd(): Promise<void> {
    return this.once();
  }
}

/** A provider of the application that calls a client. */
class ByClient implements LlmProvider {
  readonly name = 'by-client';
  client!: OpenAI;

  async generate(): Promise<ProviderResult> {
    const { choices } = await this.client.chat.completions.create(QUESTION);
    return resultOf(choices[0]!.message.content!);
  }

  async *stream(): AsyncGenerator<LlmChunk | ProviderResult> {
    let all = '';
    const stream = await this.client.chat.completions.create({ ...QUESTION, stream: true });
    for await (const { choices } of stream) {
      const text = choices[0]?.delta.content ?? '';
      all += text;
      if (text !== '') yield { type: 'text', text };
    }
    yield resultOf(all);
  }
}

function resultOf(text: string): ProviderResult {
  return {
    id: 'r1',
    model: openai.model,
    text,
    message: { role: 'assistant', content: text },
    toolCalls: [],
    finishReason: 'stop',
    usage: {
      inputTokens: 3,
      outputTokens: 2,
      totalTokens: 5,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      cacheWrite1hTokens: 0,
      reasoningTokens: 0,
      source: 'provider',
    },
  };
}

describe('One call is one run', () => {
  let bench: Bench;
  let callbacks: CallbacksService;

  async function open(options: ConstructorParameters<typeof Bench>[1] = {}): Promise<void> {
    bench = new Bench(openai, { providers: [Around, AtEnd], ...options });
    await bench.open();
    callbacks = bench.app.get(CallbacksService);
    layer = callbacks.fetch({ fetch: fetchInRealm });
  }

  beforeEach(() => void (layer = fetchInRealm));
  afterEach(() => bench.close());

  const raw = (options: object = {}) =>
    newOpenAi(bench.server.origin, { maxRetries: 0, ...options });
  const types = () => bench.recording.events.map(({ type }) => type);
  const origins = () => bench.recording.of('llm.end').map(({ origin }) => origin);
  const whole = () => says(openai, 'generate', HELLO);
  const streamed = () => says(openai, 'stream', HELLO);

  /** Asks twice, whole and streamed. */
  async function askBy(client: OpenAI): Promise<void> {
    bench.server.answers(whole(), streamed());
    await client.chat.completions.create(QUESTION);
    await readAll(await client.chat.completions.create({ ...QUESTION, stream: true }));
  }

  it('by an own call whose client uses callbacks.fetch()', async () => {
    await open({ llm: (origin) => ({ client: newOpenAi(origin, { fetch: late }) }) });
    bench.server.answers(whole(), streamed());
    await bench.llm.generate('Hi');
    await readAll(bench.llm.stream('Hi'));
    expect(origins()).toEqual(['own', 'own']);
    expect(types().filter((type) => type !== 'llm.chunk')).toEqual([...CALL, ...CALL]);
    expect(bench.costs.requestCount).toBe(2);
  });

  it('by an own call whose provider calls an observed client', async () => {
    const provider = new ByClient();
    await open({ llm: { provider, model: openai.model } as never });
    provider.client = callbacks.observe(raw());
    bench.server.answers(whole(), streamed());
    await bench.llm.generate('Hi');
    await readAll(bench.llm.stream('Hi'));
    expect(origins()).toEqual(['own', 'own']);
    expect(bench.server.exchanges).toHaveLength(2);
  });

  it('by an own call whose client was observed', async () => {
    const clients: OpenAI[] = [];
    const create = (...given: unknown[]) =>
      clients[0]!.chat.completions.create(...(given as [never]));
    await open({ llm: { client: { chat: { completions: { create } } } } });
    clients.push(callbacks.observe(raw()));
    bench.server.answers(whole());
    await bench.llm.generate('Hi');
    expect(origins()).toEqual(['own']);
  });

  it('by an observed client that uses callbacks.fetch()', async () => {
    await open();
    await askBy(callbacks.observe(raw({ fetch: late })));
    expect(origins()).toEqual(['openai', 'openai']);
    expect(bench.costs.requestCount).toBe(2);
  });

  it('by callbacks.fetch() within callbacks.fetch()', async () => {
    await open();
    const outer = callbacks.fetch({ fetch: layer, label: 'outer' });
    await askBy(raw({ fetch: outer }));
    expect(bench.recording.of('llm.end').map(({ provider }) => provider)).toEqual([
      'outer',
      'outer',
    ]);
  });

  it('and one reservation of a limiter', async () => {
    const limiter = new CostLimiter({ maxCost: 10 });
    await open({ callbacks: [limiter] });
    await askBy(callbacks.observe(raw({ fetch: late })));
    const [first] = bench.recording.of('llm.end');
    const spent = bench.recording.of('llm.end').reduce((sum, { cost }) => sum + (cost ?? 0), 0);
    expect(first!.cost).toBeGreaterThan(0);
    expect((await limiter.usage()).used).toBeCloseTo(spent, 12);
  });

  it('but calls that an interceptor or a handler makes are runs of their own', async () => {
    await open();
    const client = callbacks.observe(raw());
    const ask = () => client.chat.completions.create(QUESTION);
    bench.server.answers(whole(), whole(), whole());
    bench.app.get(Around).ask = ask;
    bench.app.get(AtEnd).ask = ask;
    await ask();
    expect(origins()).toEqual(['openai', 'openai', 'openai']);
    expect(bench.server.exchanges).toHaveLength(3);
  });

  it('of each application whose layer it passes', async () => {
    await open();
    const other = new Bench(openai);
    await other.open();
    try {
      const theirs = other.app.get(CallbacksService).observe(raw({ fetch: late }));
      await askBy(theirs);
      expect(origins()).toEqual(['fetch', 'fetch']);
      expect(other.recording.of('llm.end').map(({ origin }) => origin)).toEqual([
        'openai',
        'openai',
      ]);
      expect(other.app.get(LlmService)).not.toBe(bench.llm);
    } finally {
      await other.close();
    }
  });
});
