import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CallbacksConfigurationError,
  CallbacksModule,
  getLlmToken,
  InterceptLlm,
  LlmAuthenticationError,
  LlmService,
  LlmTimeoutError,
  OnLlmStart,
  type CurrentContext,
  type InterceptedLlmCall,
  type LlmNext,
  type LlmOptions,
  type Overrides,
} from 'nestjs-llm-callbacks';
import { useKeyBench } from '../support/keyed-app.js';
import { KeyServer } from '../support/key-server.js';
import { ask, defer, errorOf, METHODS, WIRES } from '../support/wire/index.js';
import { newClient } from '../support/wire/sdk-clients.js';

const ofTenant = ({ tenantId }: CurrentContext): Overrides => ({ apiKey: `key of ${tenantId}` });

describe.each(WIRES)('llm.resolve of $name', (wire) => {
  const bench = useKeyBench(wire);

  it.each(METHODS)(
    'returns the key of each call, without one at start-up, by %s',
    async (method) => {
      const { llm } = await bench.start({ llm: { resolve: ofTenant } });
      const answers = await Promise.all(
        ['a', 'b', 'a'].map((tenantId) => ask(llm, method, 'Hi', { tenantId })),
      );
      expect(answers.map(({ text }) => text)).toEqual(['key of a', 'key of b', 'key of a']);
    },
  );

  it.each(METHODS)('receives the context of the call and its model, by %s', async (method) => {
    const asked: unknown[] = [];
    const resolve = (context: CurrentContext, call: { model: string }) => {
      asked.push([context, call]);
      expect(Object.isFrozen(context)).toBe(true);
      return ofTenant(context);
    };
    const { llm, callbacks, recording } = await bench.start({ llm: { resolve } });
    await callbacks.run({ userId: 'ada', tags: ['nightly'] }, () =>
      ask(llm, method, 'Hi', { tenantId: 'acme', conversationId: 'c1', model: 'mine' }),
    );
    const { runId, requestId, traceId } = recording.events[0]!;
    const context = {
      runId,
      requestId,
      traceId,
      userId: 'ada',
      tenantId: 'acme',
      conversationId: 'c1',
      scope: 'default',
      tags: ['nightly'],
      metadata: {},
    };
    expect(asked).toEqual([[context, { model: 'mine' }]]);
  });

  it.each(METHODS)('returns a model that overrides call and client, by %s', async (method) => {
    const { llm, recording } = await bench.start({
      llm: { apiKey: 'k', label: 'mine', resolve: () => ({ model: 'resolved' }) },
      prices: { 'mine/resolved': { inputPerMillion: 0, outputPerMillion: 1_000_000 } },
    });
    const answer = await ask(llm, method, 'Hi', { model: 'of the call' });
    expect(bench.server.requests[0]!.body['model']).toBe('resolved');
    expect(answer.model).toBe('resolved');
    expect(answer.cost).toBeGreaterThan(0);
    for (const event of recording.events) expect(event.model).toBe('resolved');
    expect(recording.of('llm.start')[0]!.toJSON()).toMatchObject({ model: 'resolved' });
  });

  it.each(METHODS)(
    'can return another server, without the key of this one, by %s',
    async (method) => {
      const other = await KeyServer.listen(wire);
      process.env['OPENAI_API_KEY'] = process.env['ANTHROPIC_API_KEY'] = 'of the environment';
      const baseURL = wire.client(other.origin).baseURL;
      const overrides: Record<string, Overrides> = { a: { baseURL }, b: { baseURL, apiKey: 'b' } };
      const { llm } = await bench.start({
        llm: {
          apiKey: 'configured',
          defaultHeaders: { 'x-secret': '1' },
          resolve: ({ tenantId }) => overrides[tenantId!],
        },
      });
      await ask(llm, method, 'Hi', { tenantId: 'a' });
      await ask(llm, method, 'Hi', { tenantId: 'b' });
      await ask(llm, method, 'Hi', { tenantId: 'c' });
      expect(other.keys).toEqual(['none', 'b']);
      for (const { headers } of other.requests) expect(headers).not.toHaveProperty('x-secret');
      expect(bench.server.keys).toEqual(['configured']);
      await other.close();
    },
  );

  it('does not mix the credentials of the application with the key of a tenant', async () => {
    process.env['OPENAI_ORG_ID'] = 'our-org';
    process.env['OPENAI_PROJECT_ID'] = 'our-project';
    process.env['ANTHROPIC_AUTH_TOKEN'] = 'our-token';
    const { llm } = await bench.start({
      llm: {
        apiKey: 'ours',
        defaultHeaders: { Authorization: 'Bearer ours', 'X-Api-Key': 'ours', 'x-app': 'desk' },
        resolve: ({ tenantId }) => ({
          apiKey: tenantId,
          defaultHeaders: { 'x-tenant': tenantId! },
        }),
      },
    });
    await ask(llm, 'generate', 'Hi', { tenantId: 'theirs' });
    const [{ key, headers }] = bench.server.requests as [KeyServer['requests'][number]];
    expect(key).toBe('theirs');
    expect(headers).toMatchObject({ 'x-tenant': 'theirs', 'x-app': 'desk' });
    expect(JSON.stringify(headers)).not.toMatch(/ours|our-/);
  });

  it.each(METHODS)('adds headers to those of the client, by %s', async (method) => {
    const { llm } = await bench.start({
      llm: {
        apiKey: 'k',
        defaultHeaders: { 'x-app': 'desk', 'X-Tier': 'free' },
        resolve: () => ({ defaultHeaders: { 'x-tier': 'gold' } }),
      },
    });
    await ask(llm, method);
    const [{ key, headers }] = bench.server.requests as [KeyServer['requests'][number]];
    expect({ key, ...headers }).toMatchObject({ key: 'k', 'x-app': 'desk', 'x-tier': 'gold' });
  });

  it.each(METHODS)('can return a ready client, by %s', async (method) => {
    const client = newClient(wire, bench.server.origin, { apiKey: 'ready' });
    const { llm } = await bench.start({ llm: { resolve: () => ({ client }) } });
    expect((await ask(llm, method)).text).toBe('ready');
    expect((await ask(llm, method)).text).toBe('ready');
  });

  it.each(METHODS)(
    'fails the call with its own error, and nothing is sent, by %s',
    async (method) => {
      const error = new Error('no such tenant');
      const { llm, recording } = await bench.start({
        llm: { apiKey: 'k', resolve: () => Promise.reject(error) },
      });
      expect(await errorOf(ask(llm, method))).toBe(error);
      expect(recording.events.map(({ type }) => type)).toEqual(['llm.start', 'llm.error']);
      expect(recording.of('llm.error')[0]).toMatchObject({ error, attempts: [], aborted: false });
      expect(bench.server.requests).toEqual([]);
    },
  );

  it('fails with a clear error if there is no key', async () => {
    const server = { baseURL: undefined as never };
    const { llm, recording } = await bench.start({
      llm: { ...server, resolve: () => undefined },
    });
    for (let i = 0; i < 2; i++) {
      const error = await errorOf(llm.generate('Hi'));
      expect(error).toBeInstanceOf(CallbacksConfigurationError);
      expect(error.message).toMatch(
        /no API key, and llm\.resolve returned none for this call: set/,
      );
    }
    expect(recording.of('llm.error')).toHaveLength(2);
  });
});

const [openai, anthropic] = WIRES as [(typeof WIRES)[0], (typeof WIRES)[0]];

describe('llm.resolve', () => {
  const bench = useKeyBench(openai);

  it.each<[string, unknown, RegExp]>([
    ['a text', 'sk-secret', /returned no object: return some of \{ apiKey, /],
    ['null', null, /returned no object/],
    ['a list', [], /returned no object/],
    [
      'an unknown name',
      { apikey: 'sk-secret' },
      /returned apikey, which it cannot choose: known are apiKey/,
    ],
    ['an empty model', { model: '' }, /returned model without a text/],
    ['an empty key', { apiKey: ' ' }, /returned apiKey without a text/],
    ['a key that is missing in a database', { apiKey: null }, /returned apiKey without a text/],
    ['a number for a base URL', { baseURL: 1 }, /returned baseURL without a text/],
    ['a broken key', { apiKey: 'sk-\nsecret' }, /an apiKey with characters that no header takes/],
    ['a broken header', { defaultHeaders: { a: 'sk-\nsecret' } }, /defaultHeaders that are no/],
    ['a broken name of a header', { defaultHeaders: { 'a b': '1' } }, /defaultHeaders that are no/],
    ['headers that are none', { defaultHeaders: { a: 1 } }, /defaultHeaders that are no record/],
    ['a client that is none', { client: 'openai' }, /returned a client that is no object/],
    [
      'a client and a key',
      { client: {}, apiKey: 'sk-secret' },
      /client together with apiKey: a client has/,
    ],
    [
      'a client and headers',
      { client: {}, defaultHeaders: {} },
      /client together with defaultHeaders/,
    ],
    [
      'a client of another SDK',
      { client: { messages: {} } },
      /client that llm\.resolve returned is not a client of the SDK of openai/,
    ],
  ])('is rejected when it returns %s', async (_what, given, message) => {
    const resolve = () => given as Overrides;
    const { llm, recording } = await bench.start({ llm: { apiKey: 'k', resolve } });
    for (const method of METHODS) {
      const error = await errorOf(ask(llm, method));
      expect(error).toBeInstanceOf(CallbacksConfigurationError);
      expect(error.message).toMatch(message);
      expect(error.message).not.toMatch(/sk-/);
    }
    expect(recording.of('llm.error')).toHaveLength(2);
    expect(bench.server.requests).toEqual([]);
  });

  it('cannot change a ready client, but can return another', async () => {
    const client = newClient(openai, bench.server.origin, { apiKey: 'ready' });
    const other = newClient(openai, bench.server.origin, { apiKey: 'other' });
    const given: Record<string, Overrides> = { a: { apiKey: 'a' }, b: { client: other } };
    const { llm } = await bench.start({
      llm: { client, resolve: ({ tenantId }) => given[tenantId!] },
    });
    const error = await errorOf(llm.generate('Hi', { tenantId: 'a' }));
    expect(error.message).toMatch(/returned apiKey, which llm\.client has of its own/);
    expect((await llm.generate('Hi', { tenantId: 'b' })).text).toBe('other');
    expect((await llm.generate('Hi')).text).toBe('ready');
  });

  it('is called once, at the first read of a stream', async () => {
    let asked = 0;
    const resolve = () => {
      asked++;
      return { apiKey: 'k' };
    };
    const { llm } = await bench.start({ llm: { resolve } });
    const stream = llm.stream('Hi');
    await new Promise(setImmediate);
    expect(asked).toBe(0);
    await stream.response;
    expect(asked).toBe(1);
  });

  it('is called before the start event, and its error takes precedence over critical handlers', async () => {
    const order: string[] = [];
    class Gate {
      @OnLlmStart({ critical: true }) start() {
        order.push('start');
        throw new Error('refused');
      }
    }
    const error = new Error('no such tenant');
    const resolve = () => {
      order.push('resolve');
      throw error;
    };
    const { llm } = await bench.start({ llm: { resolve }, callbacks: [new Gate()] });
    expect(await errorOf(llm.generate('Hi'))).toBe(error);
    expect(order).toEqual(['resolve', 'start']);
  });

  it.each(METHODS)(
    'that never resolves is stopped by timeoutMs and by a signal, by %s',
    async (method) => {
      const { llm, recording } = await bench.start({
        llm: { resolve: () => new Promise<never>(() => undefined) },
      });
      expect(await errorOf(ask(llm, method, 'Hi', { timeoutMs: 20 }))).toBeInstanceOf(
        LlmTimeoutError,
      );
      const signal = AbortSignal.timeout(20);
      expect(await errorOf(ask(llm, method, 'Hi', { signal }))).toMatchObject({
        name: 'AbortError',
      });
      expect(recording.events.map(({ type }) => type)).toEqual([
        'llm.start',
        'llm.error',
        'llm.start',
        'llm.error',
      ]);
    },
  );

  it('is not called by a call that was aborted before', async () => {
    let asked = 0;
    const { llm } = await bench.start({ llm: { resolve: () => void asked++ } });
    const error = await errorOf(llm.generate('Hi', { signal: AbortSignal.abort() }));
    expect(error.name).toBe('AbortError');
    expect(asked).toBe(0);
  });

  it('can make its own calls, which are siblings of the call, not its children', async () => {
    const spare = CallbacksModule.forFeature({
      name: 'spare',
      llm: { ...bench.llm, apiKey: 'spare', resolve: undefined as never },
    });
    const given = defer<LlmService>();
    const { llm, module, callbacks, recording } = await bench.start({
      llm: {
        resolve: async () => ({ apiKey: (await (await given.promise).generate('Who?')).text }),
      },
      imports: [spare],
    });
    given.resolve(module.get(getLlmToken('spare')));
    const answer = await callbacks.chain('work', 1, () => llm.generate('Hi'));
    expect(answer.text).toBe('spare');
    const [chain] = recording.of('chain.start');
    const starts = recording.of('llm.start');
    expect(starts.map(({ parentRunId }) => parentRunId)).toEqual([chain!.runId, chain!.runId]);
  });

  it('is inherited by features of the same server, and not by others', async () => {
    const asked: string[] = [];
    const resolve: LlmOptions['resolve'] = ({ scope }) => {
      asked.push(scope);
      return { apiKey: `for ${scope}` };
    };
    const other = await KeyServer.listen(anthropic);
    const elsewhere = await KeyServer.listen(openai);
    const { baseURL } = openai.client(elsewhere.origin);
    const { module } = await bench.start({
      llm: { resolve },
      imports: [
        CallbacksModule.forFeature([
          { name: 'same', llm: { model: 'gpt-5-nano' } },
          { name: 'other', llm: anthropic.client(other.origin) },
          { name: 'elsewhere', llm: { baseURL } },
        ]),
      ],
    });
    const texts = await Promise.all(
      ['same', 'other', 'elsewhere'].map(async (name) => {
        const client = module.get<LlmService>(getLlmToken(name));
        return (await client.generate('Hi')).text;
      }),
    );
    expect(texts).toEqual(['for same', 'test', 'none']);
    expect(asked).toEqual(['same']);
    await other.close();
    await elsewhere.close();
  });

  it.each(METHODS)(
    'is called again for each client that an interceptor calls, by %s',
    async (method) => {
      const asked: unknown[] = [];
      class Fallback {
        @InterceptLlm() async use(call: InterceptedLlmCall, next: LlmNext) {
          try {
            await (call.streaming ? (next() as { response: Promise<unknown> }).response : next());
          } catch (error) {
            if (!(error instanceof LlmAuthenticationError)) asked.push('failed');
          }
          return next(call.request, { client: 'backup' });
        }
      }
      class Seen {
        @InterceptLlm({ order: 10 }) use(
          { client, provider, request }: InterceptedLlmCall,
          next: LlmNext,
        ) {
          asked.push([client, provider, request.model]);
          return next();
        }
      }
      const backup = CallbacksModule.forFeature({
        name: 'backup',
        llm: {
          ...bench.llm,
          model: 'backup-model',
          label: 'spare',
          resolve: async ({ tenantId }, { model }) => {
            asked.push([tenantId, model]);
            await delay(1);
            return { apiKey: `backup of ${tenantId}`, model: 'better' };
          },
        },
      });
      const { llm, recording } = await bench.start({
        llm: { resolve: ofTenant },
        imports: [backup],
        callbacks: [new Fallback(), new Seen()],
      });
      const answer = await ask(llm, method, 'Hi', { tenantId: 'acme' });
      expect(answer).toMatchObject({ text: 'backup of acme', provider: 'spare', model: 'better' });
      expect(asked).toEqual([
        ['default', 'openai', openai.model],
        ['acme', 'backup-model'],
        ['backup', 'spare', 'better'],
      ]);
      expect(bench.server.keys).toEqual(['key of acme', 'backup of acme']);
      expect(recording.of('llm.end')).toMatchObject([{ provider: 'spare', model: 'better' }]);
    },
  );

  it.each(METHODS)('fails next() with its own error, by %s', async (method) => {
    const error = new Error('no such tenant');
    class Elsewhere {
      @InterceptLlm() use({ request }: InterceptedLlmCall, next: LlmNext) {
        return next(request, { client: 'backup' });
      }
    }
    const backup = CallbacksModule.forFeature({
      name: 'backup',
      llm: { ...bench.llm, apiKey: 'k', resolve: () => Promise.reject(error) },
    });
    const { llm } = await bench.start({
      llm: { apiKey: 'k', resolve: undefined as never },
      imports: [backup],
      callbacks: [new Elsewhere()],
    });
    expect(await errorOf(ask(llm, method))).toBe(error);
    expect(bench.server.requests).toEqual([]);
  });

  it('sets only the model for an application’s own provider', async () => {
    const { FakeLlm } = await import('nestjs-llm-callbacks/testing');
    const fake = new FakeLlm(['one', 'two']);
    const given: Overrides[] = [{ model: 'big' }, { apiKey: 'sk-secret' }];
    const { llm } = await bench.start({
      llm: { provider: fake, model: 'small', resolve: () => given.shift() },
    });
    await llm.generate('Hi');
    expect(fake.requests[0]!.model).toBe('big');
    const error = await errorOf(llm.generate('Hi'));
    expect(error.message).toMatch(
      /apiKey for a provider of the application's own.*context\.context/,
    );
  });
});
