import { Injectable } from '@nestjs/common';
import {
  AgentService,
  CacheInterceptor,
  CallbacksModule,
  CallbacksService,
  Chain,
  defineTool,
  FallbackInterceptor,
  getLlmToken,
  LlmService,
  Retrieval,
} from 'nestjs-llm-callbacks';
import { OpenTelemetryCallbacks, type OpenTelemetryOptions } from 'nestjs-llm-callbacks/otel';
import { anthropic } from '../support/wire/anthropic.js';
import { Bench, json, says, events } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';

/** What a support desk does with LLMs: something of each kind that is traced. */
@Injectable()
class Desk {
  constructor(
    private readonly llm: LlmService,
    private readonly agent: AgentService,
    private readonly callbacks: CallbacksService,
  ) {}

  @Chain('answer-ticket') async answer() {
    const found = await this.find('refunds');
    await this.callbacks.emit('ticket.opened', { iban: 'DE00' });
    await this.agent.run('Where is my order?');
    return this.summary(found.length);
  }

  @Retrieval({ source: 'handbook' }) async find(_query: string) {
    return [
      { id: 'page-1', score: 0.9, text: 'Refunds take a day.' },
      { id: 'page-2', score: 0.5, text: 'No refunds.' },
    ];
  }

  @Chain('summary') async summary(count: number) {
    await this.llm.generate(`Sum up ${count} pages.`, {
      system: 'Be brief.',
      temperature: 0.5,
      maxOutputTokens: 50,
      stop: ['END'],
      providerOptions: { seed: 7, top_p: 0.9, service_tier: 'flex' },
    });
  }
}

const call = (id: string, name: string, argsText: string) => ({ id, name, argsText });

const TOOLS = [
  defineTool({
    name: 'orders',
    description: 'Finds orders.',
    parameters: { type: 'object', properties: { user: { type: 'string' } } },
    execute: async () => ({ id: 'o-1' }),
  }),
  defineTool({
    name: 'parcels',
    description: 'Finds parcels.',
    execute: async () => {
      throw new Error('No parcel for secret-2.');
    },
  }),
];

/**
 * Makes an agent run with parallel tools, a retrieval in a chain, a retry, a fallback, a cache hit, a cancelled stream
 * and an error.
 */
export async function playScenario(options: OpenTelemetryOptions): Promise<Bench> {
  const bench = new Bench(openai, {
    callbacks: [new OpenTelemetryCallbacks(options)],
    agent: { tools: TOOLS },
    llm: { maxRetries: 1 },
    providers: [Desk],
    imports: (origin) => [
      CallbacksModule.forFeature({
        name: 'fallback',
        llm: { maxRetries: 0 },
        callbacks: [new FallbackInterceptor({ clients: ['spare'] })],
      }),
      CallbacksModule.forFeature({ name: 'spare', llm: anthropic.client(origin) }),
      CallbacksModule.forFeature({ name: 'cached', callbacks: [new CacheInterceptor()] }),
    ],
  });
  await bench.open();
  const { app, server } = bench;
  const callbacks = app.get(CallbacksService);

  // The chain: an agent with two tools at once, one of which fails, then a call that is retried.
  server.answers(
    says(openai, 'generate', {
      toolCalls: [call('call_1', 'orders', '{"user":"ada"}'), call('call_2', 'parcels', '{}')],
      usage: { input: 100, output: 20, cacheRead: 40 },
    }),
    says(openai, 'generate', { text: 'It is on its way.', usage: { input: 150, output: 10 } }),
    ({ response }) =>
      void response
        .writeHead(503, { 'content-type': 'application/json', 'retry-after-ms': '1' })
        .end('{}'),
    says(openai, 'generate', { text: 'Two pages.', usage: { input: 30, output: 5 } }),
  );
  const who = { userId: 'ada', tenantId: 'acme', conversationId: 'c-1' };
  await callbacks.run(who, () => app.get(Desk).answer());

  // A fallback to another provider.
  server.answers(
    json(openai.error({ type: 'server_error' }), 500),
    says(anthropic, 'generate', {
      text: 'Hello.',
      usage: { input: 60, output: 5, cacheRead: 20, cacheWrite: 30 },
    }),
  );
  await app.get<LlmService>(getLlmToken('fallback')).generate('Hi', { maxOutputTokens: 9 });

  // An answer, and the same from the cache.
  server.answers(says(openai, 'generate', { text: 'Once.', usage: { input: 8, output: 2 } }));
  for (let i = 0; i < 2; i++) await app.get<LlmService>(getLlmToken('cached')).generate('Once?');

  // A stream that its consumer leaves, and one that is read.
  server.answers(
    events(
      openai.opening,
      openai.text('One '),
      openai.text('two'),
      ...openai.stream({ text: 'x' }),
    ),
    says(openai, 'stream', { text: 'All.', usage: { input: 8, output: 2 } }),
  );
  for await (const _ of bench.llm.stream('Count.')) break;
  for await (const _ of bench.llm.stream('All?'));

  // An error.
  server.answers(json(openai.error({ type: 'invalid_request_error', message: 'secret-1' }), 400));
  await bench.llm.generate('Wrong.').catch(() => undefined);

  // Embeddings.
  server.answers(
    json({
      object: 'list',
      model: 'text-embedding-3-small',
      data: [{ object: 'embedding', index: 0, embedding: [1, 2] }],
      usage: { prompt_tokens: 4, total_tokens: 4 },
    }),
  );
  await bench.llm.embed('Refunds', { model: 'text-embedding-3-small', dimensions: 2 });
  return bench;
}
