import { describe, expect, it, jest } from '@jest/globals';
import { LlmTimeoutError } from 'nestjs-llm-callbacks';
import {
  ask,
  errorOf,
  failsOnce,
  HELLO,
  METHODS,
  says,
  silence,
  useBench,
  WIRES,
} from '../../support/wire/index.js';
import { fetchInRealm, newClient } from '../../support/wire/sdk-clients.js';
import { plain, sender } from '../../support/wire/sdk-mocks.js';

describe.each(WIRES)('A ready client of $name', (wire) => {
  let client: object;
  const given = (make: (origin: string) => object) => ({
    llm: (origin: string) => ({ client: (client = make(origin)) }),
  });

  describe('of the SDK itself', () => {
    const bench = useBench(
      wire,
      given((origin) => newClient(wire, origin)),
    );

    it.each(METHODS)('reports its retries, by %s', async (method) => {
      bench.server.answers(
        failsOnce(wire, 429, { type: 'rate_limit_error' }),
        says(wire, method, HELLO),
      );
      const { attempts } = await ask(bench.llm, method);
      expect(attempts).toMatchObject([{ error: { name: 'LlmRateLimitError' } }, {}]);
      expect(bench.recording.of('llm.retry')).toMatchObject([{ attempt: 1 }]);
    });

    it('is not modified, and its other requests emit no events', async () => {
      bench.server.answers(
        says(wire, 'generate', HELLO),
        failsOnce(wire, 429, { type: 'rate_limit_error' }),
        says(wire, 'generate', HELLO),
      );
      await bench.llm.generate('Hi');
      const { model } = wire;
      await sender(wire, client).create(
        { model, max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] },
        {},
      );
      expect(bench.server.exchanges).toHaveLength(3);
      expect(bench.recording.tree()).toHaveLength(1);
      expect(bench.recording.of('llm.retry')).toEqual([]);
    });

    it.each(METHODS)('can be spied on after the application has started, by %s', async (method) => {
      bench.server.answers(says(wire, method, HELLO));
      const spy = jest.spyOn(sender(wire, client), 'create');
      expect((await ask(bench.llm, method)).text).toBe('Hello, world');
      expect(spy).toHaveBeenCalledTimes(1);
      expect(spy.mock.calls[0]![0]).toMatchObject({ model: wire.model });
    });

    it.each(METHODS)(
      'can have its method mocked after the application has started, by %s',
      async (method) => {
        jest.spyOn(sender(wire, client), 'create').mockReturnValue(plain(wire, method));
        expect(await ask(bench.llm, method)).toMatchObject({
          text: 'Hello, world',
          usage: { totalTokens: 1_500 },
        });
        expect(bench.server.exchanges).toEqual([]);
      },
    );
  });

  describe('behind a proxy', () => {
    /** Wraps every object that is reached through it, as tracing tools do. */
    const wrap = <T extends object>(target: T, calls: string[]): T =>
      new Proxy(target, {
        get(object, key) {
          const value: unknown = Reflect.get(object, key, object);
          if (typeof value === 'object' && value !== null && !String(key).startsWith('_'))
            return wrap(value, calls);
          if (key !== 'create' || typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            calls.push(key);
            return (value as (...all: unknown[]) => unknown).apply(object, args);
          };
        },
      });
    const calls: string[] = [];
    const bench = useBench(
      wire,
      given((origin) => wrap(newClient(wire, origin), calls)),
    );

    it.each(METHODS)('still answers, by %s', async (method) => {
      calls.length = 0;
      bench.server.answers(failsOnce(wire, 500, { type: 'api_error' }), says(wire, method, HELLO));
      expect((await ask(bench.llm, method)).text).toBe('Hello, world');
      expect(calls).toEqual(['create']);
    });
  });

  describe('with a custom fetch', () => {
    const options = { fetch: fetchInRealm, timeout: 100 };
    const bench = useBench(
      wire,
      given((origin) => newClient(wire, origin, options)),
    );

    it("fails as LlmTimeoutError when the SDK's timeout expires", async () => {
      bench.server.answers(silence, silence);
      const error = await errorOf(bench.llm.generate('Hi'));
      expect(error).toBeInstanceOf(LlmTimeoutError);
      expect(bench.recording.of('llm.error')).toMatchObject([{ error, aborted: false }]);
      expect(bench.recording.of('llm.retry')).toMatchObject([
        { error: { name: 'LlmTimeoutError' } },
      ]);
    });
  });
});
