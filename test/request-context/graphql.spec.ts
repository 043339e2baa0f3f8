import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type ExecutionContext } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  CallbacksModule,
  LlmService,
  type LlmErrorEvent,
  type LlmProvider,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, willClose } from '../support/app.js';
import { testLogger } from '../support/logs.js';
import { defer } from '../support/wire/index.js';

afterEach(closeApps);

@Injectable()
class Resolver {
  constructor(private readonly llm: LlmService) {}

  async resolve() {
    return (await this.llm.generate('hi')).text;
  }

  /** Like a subscription, which GraphQL reads after the resolver has returned. */
  async *subscribe() {
    yield (await this.llm.generate('hi')).text;
  }
}

type Field = (root: unknown, args: object, context: object, info: object) => Promise<string>;

/** Runs two fields of an operation, with or without its request, through the context creator of `@nestjs/graphql`. */
async function listen(
  provider: LlmProvider = new FakeLlm(always('hello')),
  callbacks: object[] = [],
) {
  const asked: string[] = [];
  const recording = new RecordingCallbacks();
  const root = CallbacksModule.forRoot({
    llm: { provider, model: 'fake' },
    callbacks: [recording, ...callbacks],
    context: (host: ExecutionContext) => {
      asked.push(host.getType<string>());
      return { userId: 'ada' };
    },
  });
  const module = await Test.createTestingModule({ imports: [root], providers: [Resolver] })
    .setLogger(testLogger)
    .compile();
  const app = willClose(module.createNestApplication());
  const resolver = app.get(Resolver);
  const none = undefined;
  const resolverOf = (method: 'resolve' | 'subscribe') =>
    app
      .get(ExternalContextCreator)
      .create(resolver, resolver[method], method, none, none, none, none, none, 'graphql');
  const field = resolverOf('resolve') as Field;
  const subscription = resolverOf('subscribe') as (
    ...args: Parameters<Field>
  ) => Promise<AsyncGenerator<string>>;
  app.use('/graphql', (req: object, res: { end(text: string): void }) => {
    const fields = [1, 2].map(() => field(none, {}, { req }, {}));
    void Promise.allSettled(fields).then(() => res.end('done'));
  });
  app.use('/subscription', (req: object, res: { end(text?: string): void }) => {
    void subscription(none, {}, { req }, {})
      .then((events) => events.next())
      .then(() => res.end());
  });
  app.use('/bare', (_req: object, res: { end(text: string): void }) => {
    void field(none, {}, {}, {}).then((text) => res.end(text));
  });
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), recording, asked };
}

describe('A GraphQL resolver', () => {
  it('has the context of the request of its operation; `context` is called once', async () => {
    const { url, recording, asked } = await listen();
    await (await fetch(`${url}/graphql`, { headers: { 'x-request-id': 'req:1' } })).text();
    expect(asked).toEqual(['graphql']);
    expect(recording.of('llm.end')).toMatchObject([
      { requestId: 'req:1', userId: 'ada' },
      { requestId: 'req:1', userId: 'ada' },
    ]);
  });

  it('has this context in a subscription that is read later', async () => {
    const { url, recording } = await listen();
    await (await fetch(`${url}/subscription`, { headers: { 'x-request-id': 'req:2' } })).text();
    expect(recording.of('llm.end')).toMatchObject([{ requestId: 'req:2', userId: 'ada' }]);
  });

  it('has its calls aborted when the client of the request disconnects', async () => {
    const called = defer<void>();
    const failed = defer<LlmErrorEvent>();
    const stalled: LlmProvider = {
      name: 'stalled',
      generate: () => new Promise(() => called.resolve()),
      stream: () => {
        throw new Error('not asked for');
      },
    };
    const { url } = await listen(stalled, [{ onLlmError: failed.resolve }]);
    const asking = httpRequest(`${url}/graphql`).on('error', () => undefined);
    asking.end();
    await called.promise;
    asking.destroy();
    expect(await failed.promise).toMatchObject({ aborted: true });
  });

  it('has only ids if the request is not accessible', async () => {
    const { url, recording, asked } = await listen();
    expect(await (await fetch(`${url}/bare`)).text()).toBe('hello');
    expect(asked).toEqual([]);
    expect(recording.events[0]).toMatchObject({ userId: undefined });
  });
});
