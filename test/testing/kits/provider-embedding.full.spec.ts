import { describe, expect, it } from '@jest/globals';
import {
  LlmServerError,
  UNREPORTED_USAGE,
  type EmbedRequest,
  type EmbedResult,
  type LlmProvider,
  type LlmProviderContext,
} from 'nestjs-llm-callbacks';
import {
  describeProvider,
  FakeLlm,
  serveProvider,
  type ProviderKitOptions,
  type ProviderWire,
} from 'nestjs-llm-callbacks/testing';
import { LinesProvider } from '../../docs/examples/http-provider.js';
import { lines } from '../../docs/examples/testing/lines-wire.js';
import { runKit } from '../../support/kit-runner.js';

const facts: ProviderKitOptions = {
  capabilities: { contextFree: true, tools: true, schema: true, images: true },
  embeddings: true,
  timeoutMs: 250,
};

/** The answer has the vectors as its text, so that errors of `embed` are those of `generate`. */
const vectorLines: ProviderWire = {
  ...lines,
  embeddings: ({ model, embeddings, usage }) => ({
    model,
    text: JSON.stringify(embeddings),
    calls: [],
    finish: 'stop',
    tokens: usage && [usage.inputTokens, 0],
  }),
};

class EmbeddingProvider extends LinesProvider {
  async embed(request: EmbedRequest, context: LlmProviderContext): Promise<EmbedResult> {
    const { model: name, input, dimensions, providerOptions } = request;
    const { text, model, usage } = await this.generate(
      {
        model: name,
        messages: [],
        providerOptions: { input, ...(dimensions && { dimensions }), ...providerOptions },
      },
      context,
    );
    return { embeddings: JSON.parse(text) as number[][], model, usage };
  }
}

const results = (change: (result: EmbedResult) => object) =>
  class extends EmbeddingProvider {
    override async embed(request: EmbedRequest, context: LlmProviderContext) {
      const result = await super.embed(request, context);
      return { ...result, ...change(result) };
    }
  };
const requests = (change: (request: EmbedRequest) => object) =>
  class extends EmbeddingProvider {
    override embed(request: EmbedRequest, context: LlmProviderContext) {
      return super.embed({ ...request, ...change(request) }, context);
    }
  };
const contexts = (change: (context: LlmProviderContext) => object) =>
  class extends EmbeddingProvider {
    override embed(request: EmbedRequest, context: LlmProviderContext) {
      return super.embed(request, { ...context, ...change(context) });
    }
  };
const failing = (change: (error: Error) => unknown) =>
  class extends EmbeddingProvider {
    override async embed(request: EmbedRequest, context: LlmProviderContext) {
      try {
        return await super.embed(request, context);
      } catch (error) {
        throw change(error as Error);
      }
    }
  };

const VECTORS = 'embed: a vector for each text is returned, in their order, with the model';

const BROKEN: [what: string, provider: new (url: string) => LlmProvider, rules: string[]][] = [
  [
    'gives vectors in another order',
    results(({ embeddings }) => ({ embeddings: embeddings.toSorted(([a], [b]) => a! - b!) })),
    [VECTORS],
  ],
  ['names another model', results(() => ({ model: 'other' })), [VECTORS]],
  [
    'gives vectors of its own type',
    results(({ embeddings }) => ({
      embeddings: embeddings.map((vector) => Float32Array.from(vector)),
    })),
    [VECTORS, 'embed: in an application, a call is one run'],
  ],
  [
    'gives one vector only',
    results(({ embeddings }) => ({ embeddings: embeddings.slice(0, 1) })),
    [VECTORS],
  ],
  [
    'sends a request for each text',
    class extends EmbeddingProvider {
      override async embed(request: EmbedRequest, context: LlmProviderContext) {
        const [first] = await Promise.all(
          request.input.map((text) => super.embed({ ...request, input: [text] }, context)),
        );
        return first!;
      }
    },
    [VECTORS, 'embed: texts, model and dimensions are sent'],
  ],
  [
    'loses usage',
    results(() => ({ usage: UNREPORTED_USAGE })),
    ['embed: usage has the counts of the server'],
  ],
  [
    'counts the vectors as output',
    results(({ usage }) => ({ usage: { ...usage, outputTokens: 3 } })),
    ['embed: usage has the counts of the server'],
  ],
  [
    'counts nothing as zero',
    results(({ usage }) => ({ usage: { ...usage, source: 'provider' } })),
    ['embed: usage is UNREPORTED_USAGE'],
  ],
  [
    'sends one text only',
    requests(({ input }) => ({ input: input.slice(0, 1) })),
    ['embed: texts, model and dimensions are sent'],
  ],
  [
    'sends a model of its own',
    requests(() => ({ model: 'other' })),
    ['embed: texts, model and dimensions are sent'],
  ],
  [
    'sends no dimensions',
    requests(() => ({ dimensions: undefined })),
    ['embed: texts, model and dimensions are sent'],
  ],
  [
    'sends no options',
    requests(() => ({ providerOptions: undefined })),
    ['embed: providerOptions are sent'],
  ],
  [
    'ignores the signal',
    contexts(() => ({ signal: new AbortController().signal })),
    [
      'embed: an aborted signal cancels',
      'embed: no request is sent',
      'embed: in an application, timeoutMs cancels',
    ],
  ],
  [
    'throws errors of its own',
    failing((error) => new Error(error.message)),
    [
      'embed: an error of the kind authentication',
      'embed: an error of the kind overloaded',
      'embed: the wait that a server asks for',
      'embed: an answer in another format',
      'embed: a lost connection',
      'embed: in an application, an error of the server',
    ],
  ],
  [
    'has one kind of error',
    failing(({ message }) => new LlmServerError(message, { status: 500 })),
    [
      'embed: an error of the kind rate_limit',
      'embed: an answer in another format',
      'embed: a lost connection',
    ],
  ],
  [
    'takes failures for no vectors',
    class extends EmbeddingProvider {
      override async embed(request: EmbedRequest, context: LlmProviderContext) {
        const none = { embeddings: [], model: request.model, usage: UNREPORTED_USAGE };
        return super.embed(request, context).catch(() => none);
      }
    },
    ['embed: an error of the kind invalid_request', 'embed: an aborted signal cancels'],
  ],
  [
    'retries on its own account',
    class extends EmbeddingProvider {
      override async embed(request: EmbedRequest, context: LlmProviderContext) {
        return super.embed(request, context).catch(() => super.embed(request, context));
      }
    },
    ['embed: an error of the kind overloaded'],
  ],
  [
    'has no embed()',
    LinesProvider,
    ['embed: is there if the tests are for it', VECTORS, 'embed: an error of the kind overloaded'],
  ],
];

const run = (
  make: (url: string) => LlmProvider,
  only: readonly string[],
  options: ProviderKitOptions = {},
  wire: ProviderWire = vectorLines,
) =>
  runKit(
    (runner) => describeProvider(make, () => serveProvider(wire), { ...facts, runner, ...options }),
    only,
  );

describe('describeProvider, of a provider with embeddings', () => {
  it('finds nothing wrong with one that keeps the rules', async () => {
    const { titles, failures } = await run((url) => new EmbeddingProvider(url), ['embed: '], {
      timeoutMs: 20_000,
    });

    expect(failures).toEqual([]);
    expect(titles.length).toBeGreaterThan(15);
  });

  it.each(BROKEN)('finds one that %s', async (_, Provider, rules) => {
    const { titles, failures } = await run((url) => new Provider(url), rules);

    expect(titles).toHaveLength(rules.length);
    expect(failures.map(({ title }) => title)).toEqual(titles);
    for (const { error } of failures)
      expect(error.message).toMatch(
        /^LlmProvider\.embed: .*\n[^]*documented at LlmProvider\.embed/,
      );
  });

  it('finds one that does not retry, although it is said to', async () => {
    const rules = ['embed: a retry', 'embed: no more', 'embed: an error that is not retryable'];
    const { titles, failures } = await run((url) => new EmbeddingProvider(url), rules, {
      retries: true,
    });

    expect(titles).toHaveLength(3);
    expect(failures.map(({ title }) => title)).toEqual([
      'embed: a retry is reported by onRetry, with the error of the failed request',
      'embed: no more than `maxRetries` retries are made',
    ]);
  });

  it('finds one whose embeddings are not tested, and says how to test them', async () => {
    const { titles, failures } = await run((url) => new EmbeddingProvider(url), ['embed: '], {
      embeddings: false,
    });

    expect(titles).toEqual(['embed: is there if the tests are for it, and only then']);
    expect(failures[0]?.error.message).toContain('give the option `embeddings: true`');
  });

  it('does not ask a server for usage that reports none', async () => {
    const { titles, failures } = await run(() => new FakeLlm(), ['embed: usage'], { usage: false });

    expect(titles).toEqual(['embed: usage is UNREPORTED_USAGE if the server sends none']);
    expect(failures).toEqual([]);
  });

  it('says that the format of a server lacks embeddings', async () => {
    const rules = [VECTORS, 'embed: an error of the kind overloaded'];
    const { failures } = await run((url) => new EmbeddingProvider(url), rules, {}, lines);

    expect(failures.map(({ title }) => title)).toEqual([VECTORS]);
    expect(failures[0]?.error.message).toContain('a format with a function `embeddings`');
  });
});
