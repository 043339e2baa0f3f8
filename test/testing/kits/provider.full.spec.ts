import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import {
  LlmOverloadedError,
  LlmResponseError,
  UNREPORTED_USAGE,
  type LlmChunk,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRequest,
  type ProviderResult,
} from 'nestjs-llm-callbacks';
import {
  describeProvider,
  serveProvider,
  type ProviderKitOptions,
} from 'nestjs-llm-callbacks/testing';
import { LinesProvider } from '../../docs/examples/http-provider.js';
import { lines } from '../../docs/examples/testing/lines-wire.js';
import { runKit } from '../../support/kit-runner.js';

const capabilities = { contextFree: true, tools: true, schema: true, images: true } as const;
const facts: ProviderKitOptions = { capabilities, streamErrors: true, timeoutMs: 250 };

type Item = LlmChunk | ProviderResult;
const isChunk = (item: Item): item is LlmChunk => 'type' in item;

/** A provider that breaks a rule: everything else is that of `LinesProvider`. */
class Broken extends LinesProvider {
  protected change(result: ProviderResult): ProviderResult {
    return result;
  }
  protected async *changeItems(items: AsyncIterable<Item>): AsyncGenerator<Item> {
    for await (const item of items) yield isChunk(item) ? item : this.change(item);
  }
  protected changeRequest(request: LlmRequest): LlmRequest {
    return request;
  }
  protected changeContext(context: LlmProviderContext): LlmProviderContext {
    return context;
  }

  override async generate(request: LlmRequest, context: LlmProviderContext) {
    const changed = this.changeContext(context);
    return this.change(await super.generate(this.changeRequest(request), changed));
  }

  override stream(request: LlmRequest, context: LlmProviderContext): AsyncGenerator<Item> {
    const changed = this.changeContext(context);
    return this.changeItems(super.stream(this.changeRequest(request), changed));
  }
}

const results = (change: (result: ProviderResult) => object) =>
  class extends Broken {
    protected override change(result: ProviderResult): ProviderResult {
      return { ...result, ...change(result) };
    }
  };
const streams = (change: (items: AsyncIterable<Item>) => AsyncGenerator<Item>) =>
  class extends Broken {
    protected override changeItems(items: AsyncIterable<Item>): AsyncGenerator<Item> {
      return change(items);
    }
  };
const requests = (change: (request: LlmRequest) => object) =>
  class extends Broken {
    protected override changeRequest(request: LlmRequest): LlmRequest {
      return { ...request, ...change(request) };
    }
  };
const contexts = (change: (context: LlmProviderContext) => object) =>
  class extends Broken {
    protected override changeContext(context: LlmProviderContext): LlmProviderContext {
      return { ...context, ...change(context) };
    }
  };
const failing = (change: (error: Error) => Error) =>
  class extends Broken {
    override async generate(request: LlmRequest, context: LlmProviderContext) {
      try {
        return await super.generate(request, context);
      } catch (error) {
        throw change(error as Error);
      }
    }
  };

const user = new AsyncLocalStorage<string>();

const BROKEN: [what: string, provider: new (url: string) => LlmProvider, rules: string[]][] = [
  [
    'gives no message',
    results(({ text }) => ({ message: { role: 'assistant', content: `${text}!` } })),
    ['generate: the text of an answer is returned, with its message', 'stream: the text of an'],
  ],
  [
    'always stops',
    results(() => ({ finishReason: 'stop' })),
    ["generate: an answer that ends by 'length'", 'stream: tool calls have ids'],
  ],
  [
    'names another model',
    results(() => ({ model: 'other' })),
    ['generate: the text of an answer is returned', 'stream: the text of an answer is returned'],
  ],
  [
    'loses usage',
    results(() => ({ usage: UNREPORTED_USAGE })),
    ['generate: usage has the counts of the server', 'stream: usage has the counts'],
  ],
  [
    'counts nothing as zero',
    results(({ usage }) => ({ usage: { ...usage, source: 'provider' } })),
    ['generate: usage is UNREPORTED_USAGE', 'stream: usage is UNREPORTED_USAGE'],
  ],
  [
    'does not parse arguments',
    results(({ toolCalls }) => ({
      toolCalls: toolCalls.map((call) => ({ ...call, args: call.argsText })),
    })),
    ['generate: tool calls have ids, names and parsed', 'stream: arguments that are not JSON'],
  ],
  [
    'leaves tool calls out of the message',
    results(({ text }) => ({ message: { role: 'assistant', content: text } })),
    ['generate: tool calls have ids', 'stream: tool calls have ids'],
  ],
  [
    'reads bytes as Latin 1',
    results(({ text }) => ({ text: Buffer.from(text).toString('latin1') })),
    ['generate: characters of several bytes', 'stream: characters of several bytes'],
  ],
  [
    'yields no result',
    streams(async function* (items) {
      for await (const item of items) if (isChunk(item)) yield item;
    }),
    ['stream: the text of an answer is returned'],
  ],
  [
    'yields the result first',
    streams(async function* (items) {
      const all: Item[] = [];
      for await (const item of items) all.push(item);
      yield* all.toReversed();
    }),
    ['stream: the chunks join to the text', 'stream: a chunk is yielded before'],
  ],
  [
    'collects the stream',
    streams(async function* (items) {
      const all: Item[] = [];
      for await (const item of items) all.push(item);
      yield* all;
    }),
    ['stream: a chunk is yielded before the next one', 'stream: a reader that leaves'],
  ],
  [
    'mixes the pieces up',
    streams(async function* (items) {
      const all: Item[] = [];
      for await (const item of items) all.push(item);
      const chunks = all.filter(isChunk);
      yield* chunks.toReversed();
      yield all.at(-1)!;
    }),
    ['stream: the chunks join to the text', 'stream: the chunks of a tool call begin'],
  ],
  [
    'takes a cut stream for a whole one',
    streams(async function* (items) {
      let text = '';
      try {
        for await (const item of items) {
          if (isChunk(item) && item.type === 'text') text += item.text;
          yield item;
        }
      } catch {
        yield { text, model: 'kit-model', usage: UNREPORTED_USAGE } as ProviderResult;
      }
    }),
    ['stream: a stream that is cut fails', 'stream: an error inside a stream'],
  ],
  [
    'does not let go of a stream',
    streams((items) => {
      const iterator = items[Symbol.asyncIterator]() as AsyncGenerator<Item>;
      return Object.assign(Object.create(iterator) as AsyncGenerator<Item>, {
        next: () => iterator.next(),
        return: async (value: unknown) => ({ done: true, value }),
        [Symbol.asyncIterator]() {
          return this as unknown as AsyncGenerator<Item>;
        },
      });
    }),
    ['stream: a reader that leaves'],
  ],
  [
    'ignores the signal',
    contexts(() => ({ signal: new AbortController().signal })),
    [
      'generate: an aborted signal cancels',
      'generate: no request is sent',
      'stream: an aborted signal cancels a stream that is being read',
      'generate: in an application, timeoutMs',
    ],
  ],
  [
    'sends no instruction',
    requests(() => ({ system: undefined })),
    ['generate: model, instruction, conversation', 'stream: model, instruction'],
  ],
  [
    'sends no options',
    requests(() => ({ providerOptions: undefined })),
    ['generate: providerOptions are sent'],
  ],
  [
    'sends no tools',
    requests(() => ({ tools: undefined })),
    ['generate: tools, earlier tool calls and their results'],
  ],
  [
    'sends no schema',
    requests(() => ({ schema: undefined })),
    ['stream: the schema of the answer'],
  ],
  [
    'sends texts only',
    requests(({ messages }) => ({
      messages: messages.map((message) => ({
        ...message,
        content:
          typeof message.content === 'string'
            ? message.content
            : message.content.filter(({ type }) => type === 'text'),
      })),
    })),
    ['generate: images are sent', 'stream: images are sent'],
  ],
  [
    'throws errors of its own',
    failing((error) => new Error(error.message)),
    ['generate: an error of the kind authentication', 'generate: a lost connection'],
  ],
  [
    'forgets the status',
    failing(() => new LlmOverloadedError('Busy.')),
    ['generate: an error of the kind overloaded', 'generate: the wait that a server asks for'],
  ],
  [
    'takes everything for retryable',
    failing((error) => Object.assign(error, { retryable: true })),
    ['generate: an error of the kind authentication', 'generate: an error of the kind invalid'],
  ],
  [
    'retries on its own account',
    class extends Broken {
      override async generate(request: LlmRequest, context: LlmProviderContext) {
        return super
          .generate(request, context)
          .catch((error: unknown) =>
            error instanceof LlmResponseError
              ? Promise.reject(error)
              : super.generate(request, context),
          );
      }
    },
    ['generate: an error of the kind overloaded'],
  ],
  [
    'needs its own context between two pieces',
    streams(async function* (items) {
      user.enterWith('ada');
      for await (const item of items) {
        if (user.getStore() !== 'ada') throw new Error('Who asks?');
        yield item;
      }
    }),
    ['capabilities: a context-free provider'],
  ],
  [
    'declares something else',
    class extends LinesProvider {
      override readonly capabilities = {
        contextFree: true,
        tools: true,
        schema: true,
        images: false,
      };
    },
    ['capabilities: are those that the tests are for'],
  ],
];

const run = (
  make: (url: string) => LlmProvider,
  options: ProviderKitOptions = {},
  only?: readonly string[],
) =>
  runKit(
    (runner) =>
      describeProvider(make, () => serveProvider(lines), { ...facts, runner, ...options }),
    only,
  );

describe('describeProvider', () => {
  it.each(BROKEN)('finds a provider that %s', async (_, Provider, rules) => {
    const { titles, failures } = await run((url) => new Provider(url), {}, rules);

    expect(titles.length).toBeGreaterThanOrEqual(rules.length);
    expect(failures.map(({ title }) => title)).toEqual(titles);
    for (const { error } of failures)
      expect(error.message).toMatch(/^LlmProvider\.\w+: .*\n[^]*documented at LlmProvider\./);
  });

  it('finds a provider that does not retry, although it is said to', async () => {
    const retries = { retries: true };
    const rules = ['generate: a retry', 'generate: no more', 'stream: a retry', 'stream: no more'];
    const { failures } = await run((url) => new LinesProvider(url), retries, rules);

    expect(failures.map(({ title }) => title)).toEqual([
      'generate: a retry is reported by onRetry, with the error of the failed request',
      'generate: no more than `maxRetries` retries are made',
      'stream: a retry is reported by onRetry, with the error of the failed request',
      'stream: no more than `maxRetries` retries are made',
    ]);
  });

  it('tests only what is declared', () => {
    const titles: string[] = [];
    const runner = {
      describe: (_title: string, tests: () => void) => tests(),
      it: (title: string) => titles.push(title),
    };
    describeProvider(
      (url) => new LinesProvider(url),
      () => serveProvider(lines),
      { runner },
    );

    expect(titles.length).toBeGreaterThan(30);
    expect(titles.join()).not.toMatch(
      /tool|image|schema|reasoning|context-free|retry is|inside|vector/,
    );
  });

  it('rejects a missing server', () => {
    expect(() => describeProvider((url) => new LinesProvider(url), undefined as never)).toThrow(
      /second argument a function that starts a server/,
    );
  });
});
