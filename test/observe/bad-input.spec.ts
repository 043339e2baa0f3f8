import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { AzureOpenAI } from 'openai';
import {
  CallbacksConfigurationError,
  CallbacksModule,
  CallbacksService,
} from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';
import { anthropic } from '../support/wire/anthropic.js';
import { bedrock } from '../support/wire/clouds.js';
import { Bench, HELLO, says } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';
import { newAnthropic, newOpenAi } from '../support/wire/sdk-clients.js';

const QUESTION = { model: openai.model, messages: [{ role: 'user' as const, content: 'Hi' }] };
const CLASSES_FETCH = 'super({ …, fetch: callbacks.fetch() })';
const SECRET = 'sk-very-secret';

let bench: Bench;
let callbacks: CallbacksService;

beforeEach(async () => {
  bench = new Bench(openai);
  await bench.open();
  callbacks = bench.app.get(CallbacksService);
});
afterEach(async () => {
  await closeApps();
  await bench.close();
});

/** The message with which a value is refused. */
function refusalOf(client: unknown): string {
  let thrown: unknown;
  try {
    callbacks.observe(client as object);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(CallbacksConfigurationError);
  const { message } = thrown as Error;
  expect(message).not.toContain(SECRET);
  expect(message).toMatch(/^callbacks\.observe\(\): /);
  return message;
}

const types = () => bench.recording.events.map(({ type }) => type);

describe('A value that is no client is refused:', () => {
  /** Has the fields and methods of a client, but is none. */
  const similar = () => {
    const { baseURL, apiKey, withOptions, prepareOptions } = newOpenAi('http://localhost') as never;
    return { baseURL, apiKey, withOptions, prepareOptions, shouldRetry: () => false };
  };

  it.each<[string, () => unknown, RegExp]>([
    ['a text', () => SECRET, /is a text, and no client .*: give a client of the package openai/],
    ['null', () => null, /is null, and no client/],
    ['nothing', () => undefined, /is undefined, and no client/],
    ['a number', () => 7, /is a number, and no client/],
    ['an empty object', () => ({}), /is no client that can be observed/],
    ['a plain object with similar fields', similar, /is no client that can be observed/],
    [
      'a copy made by another package',
      () => Object.assign({}, newOpenAi('http://x')),
      /before another/,
    ],
    ['a class', () => OpenAI, /is a class or function, .* made by new/],
    ['a function', () => () => undefined, /is a class or function/],
    [
      'a Proxy',
      () => new Proxy(newOpenAi('http://x'), {}),
      /wrapped in a Proxy: observe the client/,
    ],
    ['a revoked Proxy', revoked, /wrapped in a Proxy/],
    [
      'an object whose class is only called so',
      () => ({ constructor: { name: 'OpenAI' } }),
      /is no client/,
    ],
  ])('%s', (_what, make, message) => {
    expect(refusalOf(make())).toMatch(message);
  });

  function revoked(): object {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  }
});

describe('A class of the application that extends a client', () => {
  it('is observed if it has no constructor of its own', async () => {
    class Mine extends OpenAI {
      readonly purpose = 'chat';
      ask() {
        return this.chat.completions.create(QUESTION);
      }
    }
    const raw = new Mine({ apiKey: SECRET, baseURL: newOpenAi(bench.server.origin).baseURL });
    const client = callbacks.observe(raw);
    expect(client).toBeInstanceOf(Mine);
    bench.server.answers(says(openai, 'generate', HELLO));
    await client.ask();
    expect(types()).toEqual(['llm.start', 'llm.end']);
  });

  it('is observed if its constructor passes the options on', async () => {
    class Patient extends Anthropic {
      constructor(options: ConstructorParameters<typeof Anthropic>[0] = {}) {
        super({ ...options, timeout: 600_000 });
      }
    }
    const raw = new Patient({ apiKey: SECRET, baseURL: bench.server.origin });
    const client = callbacks.observe(raw);
    expect(client.timeout).toBe(600_000);
    bench.server.answers(says(anthropic, 'generate', HELLO));
    await client.messages.create({ ...QUESTION, model: anthropic.model, max_tokens: 9 });
    expect(types()).toEqual(['llm.start', 'llm.end']);
  });

  it.each<[string, () => object, RegExp]>([
    [
      'takes something else than options',
      () => {
        class Configured extends OpenAI {
          constructor(config: { readonly key: string }) {
            super({ apiKey: config.key ?? 'another' });
          }
        }
        return new Configured({ key: SECRET });
      },
      /makes a new Configured, it has another baseURL|it has another (?:apiKey|fetch)/,
    ],
    [
      'throws for the options of the SDK',
      () => {
        class Strict extends OpenAI {
          constructor(key: string) {
            super({ apiKey: key.trim() });
          }
        }
        return new Strict(SECRET);
      },
      /makes a new Strict, the constructor throws/,
    ],
    [
      'takes no fetch',
      () => {
        class Closed extends OpenAI {
          constructor({ apiKey }: { readonly apiKey: string }) {
            super({ apiKey });
          }
        }
        return new Closed({ apiKey: SECRET });
      },
      /makes a new Closed, it has another fetch/,
    ],
    [
      'takes no middleware',
      () => {
        class Closed extends Anthropic {
          constructor({ apiKey, fetch }: { apiKey: string; fetch?: typeof globalThis.fetch }) {
            super({ apiKey, fetch });
          }
        }
        return new Closed({ apiKey: SECRET });
      },
      /makes a new Closed, it has another middleware/,
    ],
    [
      'freezes what it makes',
      () => {
        let isFrozen = false;
        class Cold extends OpenAI {
          constructor(options: ConstructorParameters<typeof OpenAI>[0]) {
            super(options);
            if (isFrozen) Object.freeze(this);
            isFrozen = true;
          }
        }
        return new Cold({ apiKey: SECRET });
      },
      /makes a new Cold, it is frozen/,
    ],
    [
      'has a field that is not of the options',
      () => {
        class Tenant extends OpenAI {
          readonly tenant: string | undefined;
          constructor(options: { readonly apiKey: string; readonly tenant: string }) {
            super(options);
            this.tenant = options.tenant;
          }
        }
        return Object.assign(new Tenant({ apiKey: SECRET, tenant: 'a' }), { tenant: 'b' });
      },
      /makes a new Tenant, it has another tenant/,
    ],
  ])('is refused if its constructor %s', (_what, make, message) => {
    const said = refusalOf(make());
    expect(said).toMatch(message);
    expect(said).toContain(CLASSES_FETCH);
  });

  it('is not shown a fetch if it extends the client of a cloud, whose fetch sees no messages', () => {
    class Mine extends AnthropicBedrock {
      constructor(region: string) {
        super({ awsRegion: region, skipAuth: true });
      }
    }
    const message = refusalOf(new Mine('us-west-2'));
    expect(message).toContain('passes all of its options on to super()');
    expect(message).not.toContain('callbacks.fetch()');
  });
});

describe('A client that cannot be copied is refused:', () => {
  it.each([Object.freeze, Object.seal, Object.preventExtensions])(
    '%p',
    (close: (o: object) => object) => {
      const message = refusalOf(close(newOpenAi('http://x')));
      expect(message).toContain('the client is frozen');
      expect(message).toContain('new OpenAI({ …, fetch: callbacks.fetch() })');
    },
  );

  it.each(['x509Transport', 'credential'])('an X.509 identity, by the option %s', (option) => {
    const client = newOpenAi('http://x') as unknown as Record<'_options', Record<string, unknown>>;
    const { _options: options } = client;
    options[option] = {};
    expect(refusalOf(client)).toContain('authenticates by an X.509 certificate');
  });

  it('a client of Bedrock whose SDK has no middleware', () => {
    const client = bedrock.newClient('http://x') as unknown as { middleware?: unknown };
    delete client.middleware;
    expect(refusalOf(client)).toMatch(/has no middleware, .* update @anthropic-ai\/sdk/);
  });
});

it("A client of Anthropic's API whose SDK has no middleware is observed by its fetch", async () => {
  const raw = newAnthropic(bench.server.origin);
  const old = Object.defineProperties(newAnthropic(bench.server.origin), {
    middleware: { value: undefined, enumerable: false },
    withOptions: { value: (options: object) => raw.withOptions(options) },
  });
  const client = callbacks.observe(old);
  bench.server.answers(says(anthropic, 'stream', HELLO));
  const question = { ...QUESTION, model: anthropic.model, max_tokens: 9 };
  expect(await client.messages.stream(question).finalText()).toBe(HELLO.text);
  expect(bench.recording.of('llm.end')).toMatchObject([{ text: HELLO.text }]);
});

it('A client that was used is observed, whatever key a function has given it', async () => {
  const keys = ['first', 'second'];
  const raw = newOpenAi(bench.server.origin, { apiKey: async () => keys.shift()! });
  bench.server.answers(says(openai, 'generate', HELLO), says(openai, 'generate', HELLO));
  await raw.chat.completions.create(QUESTION);
  await callbacks.observe(raw).chat.completions.create(QUESTION);
  const sent = bench.server.exchanges.map(({ headers }) => headers.authorization);
  expect(sent).toEqual(['Bearer first', 'Bearer second']);
  expect(types()).toEqual(['llm.start', 'llm.end']);
});

it('Metadata that is no JSON is accepted, and never taken for other metadata', () => {
  const raw = newOpenAi(bench.server.origin);
  const endless: Record<string, unknown> = {};
  endless['self'] = endless;
  const values = [7n, endless, new Map([[1, 2]]), new Map(), () => 1, Symbol('s'), [() => 2]];
  const copies = values.map((value) => callbacks.observe(raw, { metadata: { value } }));
  expect(new Set(copies).size).toBe(values.length);
  const plain = { metadata: { at: new Date(0), list: [1, null] } };
  expect(callbacks.observe(raw, plain)).toBe(callbacks.observe(raw, structuredClone(plain)));
});

describe('A client that is observed already', () => {
  it.each<[string, () => OpenAI | Anthropic]>([
    ['openai', () => newOpenAi(bench.server.origin)],
    ['Anthropic', () => newAnthropic(bench.server.origin)],
    ['Azure', () => new AzureOpenAI({ apiKey: SECRET, endpoint: 'http://x', apiVersion: '1' })],
  ])('is itself with equal options, and refused with others: %s', (_sdk, make) => {
    const raw = make() as OpenAI;
    const client = callbacks.observe(raw, { tags: ['a'] });
    expect(callbacks.observe(client, { tags: ['a'] })).toBe(client);
    const child = client.withOptions({ timeout: 9 });
    expect(callbacks.observe(child, { tags: ['a'] })).toBe(child);
    for (const observed of [client, child])
      expect(() => callbacks.observe(observed, { tags: ['b'] })).toThrow(
        'callbacks.observe(): the client is observed with other options: observe the original client.',
      );
    expect(callbacks.observe(raw, { tags: ['b'] })).not.toBe(client);
  });

  it('is refused by another application, which may observe the original', async () => {
    const raw = newOpenAi(bench.server.origin);
    const client = callbacks.observe(raw);
    const { module } = await startApp();
    const others = module.get(CallbacksService);
    expect(() => others.observe(client)).toThrow(CallbacksConfigurationError);
    expect(() => others.observe(client.withOptions({ timeout: 9 }))).toThrow(
      'another application observes this client: observe the original client.',
    );
    bench.server.answers(says(openai, 'generate', HELLO), says(openai, 'generate', HELLO));
    await others.observe(raw).chat.completions.create(QUESTION);
    expect(types()).toEqual([]);
    await client.chat.completions.create(QUESTION);
    expect(types()).toEqual(['llm.start', 'llm.end']);
  });
});

it('A module that observes a wrong value fails to start', async () => {
  const provider = {
    provide: 'CLIENT',
    inject: [CallbacksService],
    useFactory: (given: CallbacksService) => given.observe({}),
  };
  const starting = startApp({ providers: [provider], imports: [CallbacksModule] });
  await expect(starting).rejects.toThrow(/no client that can be observed/);
});
