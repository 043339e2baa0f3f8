import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, jest } from '@jest/globals';
import {
  CallbacksConfigurationError,
  CallbacksService,
  type CurrentContext,
  type RequestContext,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { ClientCache } from '../../src/llm/client.js';
import { useKeyBench } from '../support/keyed-app.js';
import { ask, defer, errorOf, METHODS, WIRES } from '../support/wire/index.js';
import { newClient } from '../support/wire/sdk-clients.js';

describe.each(WIRES)('A function as llm.apiKey of $name', (wire) => {
  const bench = useKeyBench(wire);

  it.each(METHODS)('returns the key of each request, by %s', async (method) => {
    const seen: (string | undefined)[] = [];
    const apiKey = ({ tenantId, conversationId }: RequestContext) => {
      seen.push(conversationId);
      return Promise.resolve(`key of ${tenantId}`);
    };
    const { llm } = await bench.start({ llm: { apiKey } });
    const answers = await Promise.all(
      ['a', 'b', 'a'].map((tenantId) => ask(llm, method, 'Hi', { tenantId, conversationId: 'c' })),
    );
    expect(answers.map(({ text }) => text)).toEqual(['key of a', 'key of b', 'key of a']);
    expect(seen).toEqual(['c', 'c', 'c']);
  });

  it.each(METHODS)(
    'never gives a request the key of another request that waits for its own, by %s',
    async (method) => {
      const gates = { slow: defer<void>(), fast: defer<void>() };
      const apiKey = async ({ tenantId }: RequestContext) => {
        await gates[tenantId as 'slow'].promise;
        return tenantId!;
      };
      const { llm } = await bench.start({ llm: { apiKey } });
      const slow = ask(llm, method, 'Hi', { tenantId: 'slow' });
      const fast = ask(llm, method, 'Hi', { tenantId: 'fast' });
      gates.fast.resolve();
      gates.slow.resolve();
      expect([(await slow).text, (await fast).text]).toEqual(['slow', 'fast']);
    },
  );

  it.each(METHODS)(
    'fails the call with its own error, and nothing is sent, by %s',
    async (method) => {
      const error = new Error('the vault is sealed');
      const { llm, recording } = await bench.start({
        llm: {
          apiKey: () => {
            throw error;
          },
        },
      });
      expect(await errorOf(ask(llm, method))).toBe(error);
      expect(recording.events.map(({ type }) => type)).toEqual(['llm.start', 'llm.error']);
      expect(recording.of('llm.error')[0]!.error).toBe(error);
      expect(bench.server.requests).toEqual([]);
    },
  );

  it.each(METHODS)(
    'that returns an invalid value fails with a clear error, by %s',
    async (method) => {
      process.env['OPENAI_API_KEY'] = process.env['ANTHROPIC_API_KEY'] = 'of the environment';
      const keys = [undefined as never, ' ', 'sk-\nsecret'];
      const { llm } = await bench.start({ llm: { apiKey: () => keys.shift()! } });
      for (let i = 0; i < 3; i++) {
        const error = await errorOf(ask(llm, method));
        expect(error).toBeInstanceOf(CallbacksConfigurationError);
        expect(error.message).toMatch(/no API key: the function llm\.apiKey gave no text/);
        expect(error.message).not.toContain('sk-');
      }
      expect(bench.server.requests).toEqual([]);
    },
  );

  it.each(METHODS)('can read the run from CallbacksService.current, by %s', async (method) => {
    const found: { callbacks?: CallbacksService } = {};
    const seen: (CurrentContext | undefined)[] = [];
    const apiKey = async () => {
      seen.push(found.callbacks?.current);
      return 'k';
    };
    const { llm, callbacks, recording } = await bench.start({ llm: { apiKey } });
    found.callbacks = callbacks;
    await ask(llm, method, 'Hi', { tenantId: 'acme' });
    expect(seen).toMatchObject([{ runId: recording.events[0]!.runId, tenantId: 'acme' }]);
  });

  it.each(METHODS)('is overridden by the key of llm.resolve, by %s', async (method) => {
    const { llm } = await bench.start({
      llm: {
        apiKey: () => 'of the function',
        resolve: ({ tenantId }) =>
          tenantId === undefined ? { defaultHeaders: { 'x-a': '1' } } : { apiKey: tenantId },
      },
    });
    expect((await ask(llm, method, 'Hi', { tenantId: 'acme' })).text).toBe('acme');
    expect((await ask(llm, method)).text).toBe('of the function');
    expect(bench.server.requests[1]!.headers).toMatchObject({ 'x-a': '1' });
  });
});

describe('Clients resolved at request time', () => {
  const bench = useKeyBench(WIRES[0]!);
  const fake = new FakeLlm();
  const tenants = new AsyncLocalStorage<string>();

  it.each<[string, object, RegExp]>([
    ['a number as llm.apiKey', { apiKey: 5 }, /llm\.apiKey must be a text, or a function/],
    ['llm.resolve that is no function', { resolve: {} }, /llm\.resolve must be a function/],
    ['llm.maxClients of 0', { maxClients: 0 }, /llm\.maxClients must be a whole number above 0/],
    ['llm.maxClients of 1.5', { maxClients: 1.5 }, /llm\.maxClients must be/],
    [
      'a function as key beside a ready client',
      { apiKey: () => 'k', client: { chat: {} } },
      /not asked beside llm\.client/,
    ],
    [
      'a function as key beside a provider of its own',
      { apiKey: () => 'k', provider: fake, baseURL: undefined },
      /not asked beside a provider of your own/,
    ],
  ])('are rejected at start-up with %s', async (_what, llm, message) => {
    const error = await errorOf(bench.start({ llm }));
    expect(error).toBeInstanceOf(CallbacksConfigurationError);
    expect(error.message).toMatch(message);
  });

  it.each(METHODS)('see the AsyncLocalStorage of the caller, by %s', async (method) => {
    const apiKey = () => tenants.getStore() ?? 'nobody';
    const { llm } = await bench.start({ llm: { apiKey } });
    const asking = tenants.run('acme', () =>
      method === 'generate' ? llm.generate('Hi') : llm.stream('Hi'),
    );
    const { text } = await ('response' in asking ? asking.response : asking);
    expect(text).toBe('acme');
  });

  it('call llm.resolve of a stream in the async context of stream()', async () => {
    const resolve = () => ({ apiKey: tenants.getStore() ?? 'nobody' });
    const { llm } = await bench.start({ llm: { resolve } });
    const stream = tenants.run('acme', () => llm.stream('Hi'));
    expect((await tenants.run('other', () => stream.response)).text).toBe('acme');
  });

  it('call a ready client in the async context of stream()', async () => {
    const client = newClient(WIRES[0]!, bench.server.origin, {
      apiKey: async () => tenants.getStore() ?? 'nobody',
    });
    const { llm } = await bench.start({ llm: { client } });
    const stream = tenants.run('acme', () => llm.stream('Hi'));
    expect((await stream.response).text).toBe('acme');
  });

  it('are cached in a bounded number; the least recently used one is evicted first', () => {
    const clients = new ClientCache(2);
    let made = 0;
    const of = (key: string) => clients.get(['key', key], () => ++made);
    expect([of('a'), of('b'), of('a'), of('c'), of('a'), of('b')]).toEqual([1, 2, 1, 3, 1, 4]);
    expect(clients.size).toBe(2);
  });

  it('are cached without the key in plain text', () => {
    const clients = new ClientCache(2);
    const set = jest.spyOn(Map.prototype, 'set');
    clients.get(['key', 'sk-secret'], () => ({}));
    const keys = set.mock.calls.map(([key]) => key as unknown);
    set.mockRestore();
    expect(keys).not.toEqual([]);
    expect(JSON.stringify(keys)).not.toContain('sk-secret');
  });

  it('are not shared between two applications', async () => {
    const keys = ['first', 'second'];
    const [one, other] = await Promise.all(
      keys.map((key) => bench.start({ llm: { apiKey: () => key } })),
    );
    expect((await one!.llm.generate('Hi')).text).toBe('first');
    expect((await other!.llm.generate('Hi')).text).toBe('second');
  });
});
