import { afterEach, describe, expect, it } from '@jest/globals';
import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import {
  CallbacksService,
  CostLimiter,
  type EmbedResult,
  InterceptLlm,
  type LlmChunk,
  type LlmNext,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRequest,
  type ProviderResult,
  UNREPORTED_USAGE,
  type Usage,
} from 'nestjs-llm-callbacks';
import { anthropic } from '../support/wire/anthropic.js';
import { bedrock, servedBy } from '../support/wire/clouds.js';
import { Bench, errorOf, HELLO, json, readAll, says, type Serve } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';
import { responses } from '../support/wire/responses.js';
import { newAnthropic, newOpenAi } from '../support/wire/sdk-clients.js';
import { stalled } from '../support/wire/serve.js';
import type { WireFormat } from '../support/wire/wire-format.js';

/** What the server of every answer counts. */
const COUNTED = { inputTokens: 1_000, outputTokens: 500, totalTokens: 1_500, source: 'provider' };

/** Reads an answer of a foreign client. */
interface Foreign {
  whole: () => Promise<string>;
  stream: () => AsyncIterable<string>;
}

/** A provider of the application over observed code, which reports what a test lets it. */
class Over implements LlmProvider {
  readonly name = 'over';
  foreign!: Foreign;
  usage: Usage = UNREPORTED_USAGE;
  id = '';
  before: ((context: LlmProviderContext) => Promise<unknown>) | undefined;
  after: ((context: LlmProviderContext) => unknown) | undefined;

  async generate(_request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult> {
    await this.before?.(context);
    const text = await this.foreign.whole();
    await this.after?.(context);
    return this.#resultOf(text);
  }

  async *stream(
    _request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncGenerator<LlmChunk | ProviderResult> {
    await this.before?.(context);
    let all = '';
    for await (const text of this.foreign.stream()) {
      all += text;
      yield { type: 'text', text };
    }
    await this.after?.(context);
    yield this.#resultOf(all);
  }

  embed!: NonNullable<LlmProvider['embed']>;

  #resultOf(text: string): ProviderResult {
    const { id, usage } = this;
    const message = { role: 'assistant' as const, content: text };
    return { id, model: 'm', text, message, toolCalls: [], finishReason: 'stop', usage };
  }
}

const ASKED = [{ role: 'user' as const, content: 'Hi' }];

function chatBy(client: OpenAI): Foreign {
  const body = { model: openai.model, messages: ASKED };
  return {
    whole: async () => (await client.chat.completions.create(body)).choices[0]!.message.content!,
    async *stream() {
      for await (const { choices } of await client.chat.completions.create({
        ...body,
        stream: true,
        stream_options: { include_usage: true },
      }))
        if (choices[0]?.delta.content) yield choices[0].delta.content;
    },
  };
}

function responsesBy(client: OpenAI): Foreign {
  const body = { model: responses.model, input: 'Hi' };
  return {
    whole: async () => (await client.responses.create(body)).output_text,
    async *stream() {
      for await (const event of await client.responses.create({ ...body, stream: true }))
        if (event.type === 'response.output_text.delta') yield event.delta;
    },
  };
}

function messagesBy(client: Anthropic, { model }: WireFormat): Foreign {
  const body = { model, max_tokens: 9, messages: ASKED };
  return {
    whole: async () => {
      const { content } = await client.messages.create(body);
      return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    },
    async *stream() {
      for await (const event of await client.messages.create({ ...body, stream: true }))
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
          yield event.delta.text;
    },
  };
}

interface Layer {
  readonly name: string;
  readonly wire: WireFormat;
  foreign: (callbacks: CallbacksService, origin: string, options?: object) => Foreign;
}

const observedChat: Layer = {
  name: 'an observed client of OpenAI',
  wire: openai,
  foreign: (callbacks, origin, options) => chatBy(callbacks.observe(newOpenAi(origin, options))),
};

const LAYERS: readonly Layer[] = [
  observedChat,
  {
    name: 'an observed client of OpenAI, by Responses',
    wire: responses,
    foreign: (callbacks, origin) => responsesBy(callbacks.observe(newOpenAi(origin))),
  },
  {
    name: 'an observed client of Anthropic',
    wire: anthropic,
    foreign: (callbacks, origin, options) =>
      messagesBy(callbacks.observe(newAnthropic(origin, options)), anthropic),
  },
  {
    name: 'an observed client of Bedrock',
    wire: bedrock,
    foreign: (callbacks, origin) =>
      messagesBy(callbacks.observe(bedrock.newClient(origin)), bedrock),
  },
  {
    name: 'callbacks.fetch()',
    wire: openai,
    foreign: (callbacks, origin, options) =>
      chatBy(newOpenAi(origin, { fetch: callbacks.fetch(), ...options })),
  },
  {
    name: 'two layers',
    wire: openai,
    foreign: (callbacks, origin) => {
      const fetch = callbacks.fetch();
      return chatBy(callbacks.observe(newOpenAi(origin, { fetch })));
    },
  },
];

class Twice {
  isOn = false;

  @InterceptLlm()
  async around(_: unknown, next: LlmNext): Promise<unknown> {
    if (this.isOn) return (await Promise.all([next(), next()]))[0];
    return next();
  }
}

let bench: Bench;
let provider: Over;
let callbacks: CallbacksService;

async function open({ foreign }: Layer, options: object = {}): Promise<void> {
  provider = new Over();
  const llm = { provider, model: 'm' } as never;
  const prices = { m: { inputPerMillion: 1_000, outputPerMillion: 2_000 } };
  bench = new Bench(openai, { llm, prices, providers: [Twice], ...options });
  await bench.open();
  callbacks = bench.app.get(CallbacksService);
  provider.foreign = foreign(callbacks, bench.server.origin);
}

afterEach(() => bench.close());

const served = ({ wire }: Layer, ...answers: Serve[]) =>
  bench.server.answers(...answers.map((serve) => servedBy(wire, serve)));
const whole = ({ wire }: Layer) => says(wire, 'generate', HELLO);
const streamed = ({ wire }: Layer) => says(wire, 'stream', HELLO);
const ends = () => bench.recording.of('llm.end');

describe.each(LAYERS)('An own call whose provider calls $name', (layer) => {
  it('has the usage and the id that the server reports, if the provider reports none', async () => {
    await open(layer);
    served(layer, whole(layer), streamed(layer));
    const response = await bench.llm.generate('Hi');
    expect(response).toMatchObject({ text: HELLO.text, usage: COUNTED });
    expect(response.id).not.toBe('');
    expect(await readAll(bench.llm.stream('Hi'))).not.toEqual([]);
    expect(ends()).toMatchObject([
      { usage: COUNTED, origin: 'own', provider: 'over' },
      { usage: COUNTED, origin: 'own', provider: 'over' },
    ]);
    for (const { cost } of ends()) expect(cost).toBeCloseTo(2, 9);
    expect(bench.server.exchanges).toHaveLength(2);
  });

  it('has the usage and the id that the provider reports', async () => {
    await open(layer);
    provider.usage = { ...UNREPORTED_USAGE, inputTokens: 7, outputTokens: 1, source: 'provider' };
    provider.id = 'mine';
    served(layer, whole(layer), streamed(layer));
    expect((await bench.llm.generate('Hi')).id).toBe('mine');
    await readAll(bench.llm.stream('Hi'));
    for (const { usage } of ends())
      expect(usage).toMatchObject({ inputTokens: 7, outputTokens: 1, source: 'provider' });
  });

  it('has the usage that the server reports, rather than the provider estimates', async () => {
    await open(layer);
    provider.usage = { ...UNREPORTED_USAGE, inputTokens: 7, outputTokens: 1, source: 'estimated' };
    served(layer, whole(layer));
    expect((await bench.llm.generate('Hi')).usage).toMatchObject(COUNTED);
  });

  it('has the usage of an answer, although the provider then fails', async () => {
    await open(layer);
    provider.after = () => {
      throw new Error('Not this answer.');
    };
    served(layer, whole(layer), streamed(layer));
    await errorOf(bench.llm.generate('Hi'));
    await errorOf(readAll(bench.llm.stream('Hi')));
    expect(bench.recording.of('llm.error')).toMatchObject([{ usage: COUNTED }, { usage: COUNTED }]);
  });

  it('gives the provider what it gets from a client that is not observed', async () => {
    await open(layer);
    const refused = json(layer.wire.error({ type: 'invalid_request_error' }), 400);
    const broken = json({ surprising: true });
    served(layer, refused, broken);
    expect(await errorOf(bench.llm.generate('Hi'))).toMatchObject({
      cause: { status: 400 },
    });
    await errorOf(bench.llm.generate('Hi'));
    expect(bench.recording.of('llm.error')).toHaveLength(2);
  });
});

describe.each([LAYERS[0]!, LAYERS[2]!, LAYERS[4]!])(
  'An own call whose provider calls $name',
  (layer) => {
    const overloaded = () => json(layer.wire.error({ type: 'overloaded_error' }), 503);

    it('has the failed attempts of the client', async () => {
      await open(layer);
      served(layer, overloaded(), whole(layer));
      const { attempts } = await bench.llm.generate('Hi');
      expect(attempts).toMatchObject([{ provider: 'over', error: {} }, { usage: COUNTED }]);
      expect(bench.recording.of('llm.retry')).toMatchObject([{ attempt: 1 }]);
    });

    it('has a lost connection among them', async () => {
      await open(layer);
      const lost: Serve = ({ response }) => void response.socket?.destroy();
      served(layer, lost, streamed(layer));
      await readAll(bench.llm.stream('Hi'));
      expect(bench.recording.of('llm.retry')).toMatchObject([{ error: { code: 'connection' } }]);
    });

    it('has those that the provider reports once', async () => {
      await open(layer);
      const error = new Error('Mine.');
      provider.after = ({ onRetry }) => {
        onRetry({ error, delayMs: 0 });
        onRetry({ error, delayMs: 0 });
      };
      served(layer, overloaded(), whole(layer));
      const { attempts } = await bench.llm.generate('Hi');
      expect(attempts).toHaveLength(3);
      expect(bench.recording.of('llm.retry')).toHaveLength(2);
      expect(bench.recording.of('llm.retry')[1]!.error).toBe(error);
    });

    it('does not take two requests at the same time for attempts', async () => {
      await open(layer);
      const { whole: asks } = provider.foreign;
      provider.foreign.whole = async () => (await Promise.all([asks(), asks()]))[0];
      served(layer, whole(layer), whole(layer));
      const { usage, attempts } = await bench.llm.generate('Hi');
      expect(attempts).toHaveLength(1);
      expect(usage).toMatchObject({ inputTokens: 2_000, outputTokens: 1_000, source: 'provider' });
    });

    it('counts what has arrived of a stream that its reader leaves', async () => {
      await open(layer);
      served(layer, stalled(layer.wire.opening, layer.wire.text('one')));
      for await (const _ of bench.llm.stream('Hi')) break;
      expect(ends()).toMatchObject([{ finishReason: 'cancelled', usage: { source: 'estimated' } }]);
      expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    });

    it('has the counts of each of several requests of an interceptor at the same time', async () => {
      await open(layer);
      bench.app.get(Twice).isOn = true;
      served(layer, whole(layer), whole(layer));
      const { usage, attempts } = await bench.llm.generate('Hi');
      expect(attempts).toMatchObject([{ usage: COUNTED }, { usage: COUNTED }]);
      expect(usage.totalTokens).toBe(3_000);
    });

    it('settles the reservation of a limiter at what the server has counted', async () => {
      const limiter = new CostLimiter({ maxCost: 10 });
      await open(layer, { callbacks: [limiter] });
      served(layer, whole(layer));
      await bench.llm.generate('Hi');
      expect((await limiter.usage()).used).toBeCloseTo(2, 9);
    });

    it('counts requests in a context that the provider sets', async () => {
      await open(layer);
      const { whole: asks } = provider.foreign;
      provider.foreign.whole = () => callbacks.run({ tags: ['inner'] }, asks);
      served(layer, whole(layer));
      expect((await bench.llm.generate('Hi')).usage).toMatchObject(COUNTED);
    });

    it('does not count the requests of a chain in it, which are runs', async () => {
      await open(layer);
      const { whole: asks } = provider.foreign;
      provider.foreign.whole = () => callbacks.chain('inner', {}, asks);
      served(layer, whole(layer));
      expect((await bench.llm.generate('Hi')).usage.source).toBe('estimated');
      expect(ends()).toHaveLength(2);
    });
  },
);

describe('An own call whose provider calls an observed client of OpenAI', () => {
  const vectors = json({
    data: [{ index: 0, embedding: [1] }],
    model: 'e',
    usage: { prompt_tokens: 40 },
  });
  const embeds = () => {
    const client = callbacks.observe(newOpenAi(bench.server.origin));
    return client.embeddings.create({ model: 'e', input: ['Hi'], encoding_format: 'float' });
  };

  it('has no counts of embeddings that it searches with', async () => {
    await open(observedChat);
    provider.before = embeds;
    served(observedChat, vectors, whole(observedChat));
    expect((await bench.llm.generate('Hi')).usage).toMatchObject(COUNTED);
  });

  it('has the counts of embeddings, if it embeds', async () => {
    await open(observedChat);
    provider.embed = async ({ model }): Promise<EmbedResult> => {
      const { data } = await embeds();
      const embeddings = data.map(({ embedding }) => embedding);
      return { embeddings, model, usage: UNREPORTED_USAGE };
    };
    served(observedChat, vectors);
    const { usage } = await bench.llm.embed('Hi', { model: 'e' });
    expect(usage).toMatchObject({ inputTokens: 40, source: 'provider' });
  });

  it.each([
    ['estimate', 'estimated'],
    ['ask', 'provider'],
  ] as const)("has the usage of a stream by usage: '%s': %s", async (usage, source) => {
    await open(observedChat);
    const { model } = openai;
    for (const client of [
      callbacks.observe(newOpenAi(bench.server.origin), { usage }),
      newOpenAi(bench.server.origin, { fetch: callbacks.fetch({ usage }) }),
    ]) {
      provider.foreign.stream = async function* () {
        const body = { model, messages: ASKED, stream: true as const };
        for await (const { choices } of await client.chat.completions.create(body))
          if (choices[0]?.delta.content) yield choices[0].delta.content;
      };
      bench.server.answers((exchange) => {
        const isAsked = 'stream_options' in exchange.body;
        return says(openai, 'stream', isAsked ? HELLO : { ...HELLO, usage: null })(exchange);
      });
      await readAll(bench.llm.stream('Hi'));
    }
    expect(ends()).toMatchObject([{ usage: { source } }, { usage: { source } }]);
  });
});
