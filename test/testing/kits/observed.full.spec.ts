import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import { AzureOpenAI } from 'openai';
import {
  describeObserved,
  serveProvider,
  type MakeObserved,
  type ObservedCaller,
  type ObservedCallOptions,
  type ObservedPlace,
} from 'nestjs-llm-callbacks/testing';
import { runKit } from '../../support/kit-runner.js';
import { bedrock, onBedrock, vertex } from '../../support/wire/clouds.js';
import { SCRIPTED } from '../../support/wire/scripted.js';
import { fetchInRealm, newAnthropic, newOpenAi } from '../../support/wire/sdk-clients.js';

const OPTIONS = { maxRetries: 0, fetch: fetchInRealm };

function openAiCaller(client: OpenAI, model: string): ObservedCaller {
  const asked = (content: string) => ({ model, messages: [{ role: 'user' as const, content }] });
  return {
    async generate(prompt, options) {
      const { choices } = await client.chat.completions.create(asked(prompt), options);
      return choices[0]!.message.content!;
    },
    async *stream(prompt, options) {
      const body = { ...asked(prompt), stream: true as const };
      for await (const { choices } of await client.chat.completions.create(body, options))
        if (choices[0]?.delta.content) yield choices[0].delta.content;
    },
  };
}

function anthropicCaller(client: Anthropic, model: string): ObservedCaller {
  const asked = (content: string) => ({
    model,
    max_tokens: 100,
    messages: [{ role: 'user' as const, content }],
  });
  return {
    async generate(prompt, options) {
      const { content } = await client.messages.create(asked(prompt), options);
      return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    },
    async *stream(prompt, options) {
      const body = { ...asked(prompt), stream: true as const };
      for await (const event of await client.messages.create(body, options))
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta')
          yield event.delta.text;
    },
  };
}

function responsesCaller(client: OpenAI, model: string): ObservedCaller {
  return {
    async generate(input, options) {
      return (await client.responses.create({ model, input }, options)).output_text;
    },
    async *stream(input, options) {
      const body = { model, input, stream: true as const };
      for await (const event of await client.responses.create(body, options))
        if (event.type === 'response.output_text.delta') yield event.delta;
    },
  };
}

/** A caller that embeds, too. */
function embeddingCaller(client: OpenAI, model: string) {
  return {
    ...openAiCaller(client, model),
    async embed(input: string, options?: ObservedCallOptions) {
      return (await client.embeddings.create({ model, input }, options)).data[0]!.embedding;
    },
  };
}

const observed: MakeObserved = ({ callbacks, url, model }) =>
  embeddingCaller(callbacks.observe(newOpenAi(url, OPTIONS)), model);

const servesChat = () => serveProvider(SCRIPTED.openai);
const servesMessages = () => serveProvider(SCRIPTED.anthropic);
const FULL = { tools: true, embeddings: true };

describeObserved(observed, servesChat, {
  ...FULL,
  title: 'callbacks.observe() of a client of OpenAI',
  origin: 'openai',
});

describeObserved(observed, servesChat, {
  ...FULL,
  title: 'callbacks.observe() of a client of a server that reports no usage',
  origin: 'openai',
  usage: false,
});

describeObserved(
  ({ callbacks, url, model }) => responsesCaller(callbacks.observe(newOpenAi(url, OPTIONS)), model),
  () => serveProvider(SCRIPTED.responses),
  {
    title: 'callbacks.observe() of a client of OpenAI, by Responses',
    origin: 'openai',
    tools: true,
  },
);

describeObserved(
  ({ callbacks, url: endpoint, model }) => {
    const azure = { endpoint, apiKey: 'none', apiVersion: '2025-01-01', ...OPTIONS };
    return embeddingCaller(callbacks.observe(new AzureOpenAI(azure)), model);
  },
  servesChat,
  { ...FULL, title: 'callbacks.observe() of a client of Azure', origin: 'openai' },
);

describeObserved(
  ({ callbacks, url, model }) =>
    anthropicCaller(callbacks.observe(newAnthropic(url, OPTIONS)), model),
  servesMessages,
  { title: 'callbacks.observe() of a client of Anthropic', origin: 'anthropic', tools: true },
);

describeObserved(
  ({ callbacks, url, model }) =>
    anthropicCaller(callbacks.observe(bedrock.newClient(url, OPTIONS)), model),
  () => serveProvider(onBedrock(SCRIPTED.anthropic)),
  { title: 'callbacks.observe() of a client of Bedrock', origin: 'anthropic', tools: true },
);

describeObserved(
  ({ callbacks, url, model }) =>
    anthropicCaller(callbacks.observe(vertex.newClient(url, OPTIONS)), model),
  servesMessages,
  { title: 'callbacks.observe() of a client of Vertex', origin: 'anthropic', tools: true },
);

describeObserved(
  ({ callbacks, url, model }) => {
    const fetch = callbacks.fetch({ fetch: fetchInRealm });
    return embeddingCaller(newOpenAi(url, { ...OPTIONS, fetch }), model);
  },
  servesChat,
  { ...FULL, title: 'callbacks.fetch() below a client of OpenAI', origin: 'fetch' },
);

describeObserved(
  ({ callbacks, url, model }) => {
    const fetch = callbacks.fetch({ fetch: fetchInRealm });
    return anthropicCaller(newAnthropic(url, { ...OPTIONS, fetch }), model);
  },
  servesMessages,
  { title: 'callbacks.fetch() below a client of Anthropic', origin: 'fetch', tools: true },
);

const run = (make: MakeObserved, only?: readonly string[]) =>
  runKit(
    (runner) =>
      describeObserved(make, servesChat, { ...FULL, origin: 'openai', timeoutMs: 250, runner }),
    only,
  );

/** An observed client that breaks a rule. */
const broken =
  (
    change: (caller: ObservedCaller, place: ObservedPlace) => Partial<ObservedCaller>,
  ): MakeObserved =>
  async (place) => {
    const caller = await observed(place);
    return { ...caller, ...change(caller, place) };
  };

/** A client whose answers are decoded as another one gets them. */
const changedAnswer =
  (change: (text: string) => string): MakeObserved =>
  ({ callbacks, url, model }) => {
    const fetching: typeof fetch = async (...request) => {
      const { status, headers, ...answer } = await textOf(await fetchInRealm(...request));
      return new Response(change(answer.text), { status, headers });
    };
    return embeddingCaller(
      callbacks.observe(newOpenAi(url, { ...OPTIONS, fetch: fetching })),
      model,
    );
  };

async function textOf(response: Response) {
  const type = response.headers.get('content-type') ?? '';
  return {
    status: response.status,
    headers: { 'content-type': type },
    text: await response.text(),
  };
}

const BROKEN: [string, MakeObserved, string[]][] = [
  [
    'reports nothing',
    ({ url, model }) => openAiCaller(newOpenAi(url, OPTIONS), model),
    ['generate: ', 'stream: '],
  ],
  [
    'never reports an end',
    broken((_own, { callbacks, url, model }) => {
      const fetch = (_url: unknown, init: RequestInit) =>
        new Promise<never>((_done, reject) => {
          init.signal!.addEventListener('abort', () => reject(new Error('The test is over.')));
        });
      const silent = { ...OPTIONS, fetch };
      const reporting = openAiCaller(callbacks.observe(newOpenAi(url, silent)), model);
      const raw = openAiCaller(newOpenAi(url, OPTIONS), model);
      return {
        generate(prompt, options) {
          void reporting.generate(prompt, options).catch(() => undefined);
          return raw.generate(prompt, options);
        },
      };
    }),
    ['generate: a call is one run', 'generate: an error', 'generate: a run is nested'],
  ],
  [
    'reports a call twice',
    broken((own, { callbacks, url, model }) => {
      const fetch = async () => new Response('{}', { status: 500 });
      const again = openAiCaller(callbacks.observe(newOpenAi(url, { ...OPTIONS, fetch })), model);
      return {
        async generate(prompt, options) {
          await again.generate(prompt).catch(() => undefined);
          return own.generate(prompt, options);
        },
      };
    }),
    ['generate: a call is one run', 'generate: calls at the same time'],
  ],
  [
    'sends before the start handlers',
    broken((own, { url }) => ({
      async generate(prompt, options) {
        await fetchInRealm(url, { method: 'POST', body: prompt });
        return own.generate(prompt, options);
      },
    })),
    ['generate: a critical start handler', 'generate: a CostLimiter'],
  ],
  [
    'hides the error of a refusal',
    broken((own) => ({
      generate: (...call) =>
        own.generate(...call).catch(() => {
          throw new Error('It failed.');
        }),
    })),
    ['generate: a critical start handler', 'generate: a CostLimiter'],
  ],
  [
    'does not await the end handlers',
    ({ callbacks, url, model }) => {
      let arrived!: (text: string) => void;
      const fetching: typeof fetch = async (...request) => {
        const answer = await fetchInRealm(...request);
        arrived((await answer.clone().text()) && 'Hello');
        return answer;
      };
      const client = callbacks.observe(newOpenAi(url, { ...OPTIONS, fetch: fetching }));
      const own = openAiCaller(client, model);
      return {
        ...own,
        generate: (...call) =>
          new Promise((resolve, reject) => {
            arrived = resolve;
            void own.generate(...call).catch(reject);
          }),
      };
    },
    ['generate: end handlers are awaited'],
  ],
  [
    'loses the context of its caller',
    broken((own) => {
      const outside = AsyncLocalStorage.snapshot();
      return {
        generate: (...call) => outside(() => own.generate(...call)),
        async *stream(...call) {
          const iterator = own.stream(...call)[Symbol.asyncIterator]();
          const next = () => outside(() => iterator.next());
          for (let item = await next(); !item.done; item = await next()) yield item.value;
        },
      };
    }),
    ['generate: a run is nested', 'generate: the context', 'stream: a run', 'stream: the context'],
  ],
  [
    'ignores aborts',
    broken((own) => ({
      generate: (prompt) => own.generate(prompt),
      stream: (prompt) => own.stream(prompt),
    })),
    ['generate: an abort', 'stream: an abort'],
  ],
  [
    'keeps the request of a reader that leaves',
    broken((own) => ({
      async *stream(...call) {
        const iterator = own.stream(...call)[Symbol.asyncIterator]();
        for (let item = await iterator.next(); !item.done; item = await iterator.next())
          yield item.value;
      },
    })),
    ['stream: a reader that leaves'],
  ],
  [
    'loses the tool calls',
    changedAnswer((text) => text.replaceAll('tool_calls', 'tools')),
    ['generate: the tool calls', 'stream: the tool calls'],
  ],
  [
    'loses the usage',
    changedAnswer((text) => text.replaceAll('"usage"', '"used"')),
    ['generate: a call is one run', 'stream: a call is one run', 'embed: a call is one run'],
  ],
  [
    'has no embed()',
    ({ callbacks, url, model }) => openAiCaller(callbacks.observe(newOpenAi(url, OPTIONS)), model),
    ['embed: '],
  ],
  [
    'embeds unobserved',
    broken((_own, { url, model }) => {
      return embeddingCaller(newOpenAi(url, OPTIONS), model);
    }),
    ['embed: '],
  ],
];

describe('describeObserved', () => {
  it.each(BROKEN)('finds an adapter that %s', async (_, make, rules) => {
    const { titles, failures } = await run(make, rules);

    expect(titles.length).toBeGreaterThanOrEqual(rules.length);
    expect(failures.map(({ title }) => title)).toEqual(titles);
    for (const { error } of failures)
      expect(error.message).toMatch(/^ObservedCaller\.\w+: .*\n[^]*documented at ObservedCaller\./);
  });

  it.each([
    ['without a server', [observed, undefined, { origin: 'openai' }], /second argument/],
    ['without an origin', [observed, () => serveProvider(SCRIPTED.openai), {}], /`origin`/],
    ['without options', [observed, () => serveProvider(SCRIPTED.openai)], /`origin`/],
    ['with an unknown option', [observed, () => undefined, { orgin: 'openai' }], /orgin/],
  ])('rejects a call %s', (_, given, problem) => {
    const [make, server, options] = given;
    expect(() => describeObserved(make as never, server as never, options as never)).toThrow(
      problem,
    );
  });
});
