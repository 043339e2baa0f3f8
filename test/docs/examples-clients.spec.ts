import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import {
  CallbacksModule,
  CallbacksService,
  LlmOverloadedError,
  LlmRateLimitError,
  LlmService,
  MetricsCallbacks,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { says } from '../support/wire/index.js';
import { responses } from '../support/wire/responses.js';
import { WireServer } from '../support/wire/server.js';
import { AppModule as BuiltIns, countOne, UsageController } from './examples/built-ins.js';
import { Desk as TwoClients, withThoughts } from './examples/clients.js';
import { ask } from './examples/errors.js';
import { Pace, priceOf, withPrices } from './examples/numbers.js';
import { Parrot } from './examples/own-provider.js';
import { NightlyReport, withUsers } from './examples/request-context.js';
import { around, closeAll, logged, serve, start } from './start.js';

const STORY = 'Once upon a time.';
let written = '';

beforeEach(() => {
  written = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
});
afterEach(async () => {
  jest.restoreAllMocks();
  await closeAll();
});

describe('The example of a client', () => {
  it('has a name', async () => {
    const [first, second] = [new FakeLlm(['parcels']), new FakeLlm(['Here it is.'])];
    const app = await start({
      imports: [
        CallbacksModule.forRoot({ llm: { provider: first, model: 'a' } }),
        CallbacksModule.forFeature({ name: 'support', llm: { provider: second, model: 'b' } }),
      ],
      providers: [TwoClients],
    });

    expect((await app.get(TwoClients).answer('Where is it?')).text).toBe('Here it is.');
    expect(second.requests[0]).toMatchObject({ model: 'b', system: 'Help with: parcels' });
  });

  it('calls OpenAI through its Responses API', async () => {
    const server = await WireServer.listen();
    try {
      server.answers(says(responses, 'generate', { text: 'Hello.' }));
      const env = { OPENAI_API_KEY: 'test', OPENAI_BASE_URL: server.origin };
      jest.replaceProperty(process, 'env', env);
      const app = await start({ imports: [withThoughts] });

      expect((await app.get(LlmService).generate('hello')).text).toBe('Hello.');

      const { path, body } = server.exchanges[0]!;
      expect([path, body.store]).toEqual(['/responses', false]);
      expect(body.include).toEqual(['reasoning.encrypted_content']);
    } finally {
      await server.close();
    }
  });

  it('has the application’s own provider', async () => {
    const provider = new Parrot();
    const app = await start({ imports: [around([], { llm: { provider, model: 'grey' } })] });
    const llm = app.get(LlmService);

    expect((await llm.generate('hello')).text).toBe('hello hello');
    expect((await llm.stream('hi').response).usage).toMatchObject({ source: 'estimated' });
    provider.asleep = true;
    await expect(llm.generate('hello')).rejects.toBeInstanceOf(LlmOverloadedError);
  });
});

describe('The example of the context', () => {
  it('has the user of the request', async () => {
    const seen: unknown[] = [];
    @Controller()
    class Asking {
      constructor(
        private readonly llm: LlmService,
        private readonly callbacks: CallbacksService,
      ) {}

      @Get()
      async ask() {
        this.callbacks.on('llm.end', ({ userId, tenantId }) => seen.push([userId, tenantId]));
        await this.llm.generate('hello');
      }
    }
    const user = { id: 'ada', tenant: 'acme' };
    const url = await serve(withUsers, [Asking], (request) => Object.assign(request, { user }));

    await fetch(url);

    expect(seen).toEqual([['ada', 'acme']]);
  });

  it('is set for work outside of requests', async () => {
    const recording = new RecordingCallbacks();
    const app = await start({
      imports: [around(['done'], { callbacks: [recording] })],
      providers: [NightlyReport],
    });

    await app.get(NightlyReport).write('ada');

    expect(recording.events[0]).toMatchObject({
      userId: 'ada',
      tags: ['nightly'],
      metadata: { part: 1 },
    });
  });
});

describe('The examples of errors and numbers', () => {
  it('show whether to retry', async () => {
    const app = await start({ imports: [around(['fine', new Error('down')])] });
    const llm = app.get(LlmService);
    const busy = { generate: () => Promise.reject(new LlmRateLimitError('', { retryAfterMs: 9 })) };

    expect(await ask(llm, 'hello')).toMatchObject({ text: 'fine' });
    expect(await ask(llm, 'hello')).toBe('later: server_error');
    expect(await ask(busy as unknown as LlmService, 'hello')).toBe('again in 9 ms');
  });

  it('use prices of the application', async () => {
    const app = await start({ imports: [withPrices] });

    expect(await priceOf(app.get(LlmService), 'hello')).toMatch(
      /^\d+ tokens, \$0\.0000\d\d, 1 attempt\(s\), [\d.]+ ms$/,
    );
  });
});

describe('The example of paces', () => {
  it('shows tokens a second of each model', async () => {
    const app = await start({ imports: [withPrices], providers: [MetricsCallbacks, Pace] });
    await app.get(LlmService).generate('hello');
    expect(app.get(Pace).lines()).toEqual([
      expect.stringMatching(/^gpt-5-mini: \d+ tokens\/s, first chunk after 0 ms, 0 refused$/),
    ]);
  });
});

describe('The examples of built-in callbacks', () => {
  it('provide them or pass them to one call', async () => {
    const app = await start({ imports: [BuiltIns] });

    expect(await countOne(app.get(LlmService))).toMatch(/^\d+ in, \d+ out$/);
    expect(written).toBe(`${STORY}\nDone!\n`);
    expect(app.get(UsageController).soFar()).toMatchObject({
      costs: { requestCount: 1 },
      byModel: { 'gpt-5-mini': { count: 1, errors: 0 } },
      byTool: {},
    });
    expect(logged[0]).toMatch(/^llm fake\/gpt-5-mini · stop · \d+ in, \d+ out · price unknown/);
  });
});
