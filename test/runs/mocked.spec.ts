import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  CacheInterceptor,
  CallbacksModule,
  Chain,
  CircuitBreakerInterceptor,
  CostTracker,
  LlmService,
  LoggingCallbacks,
  MetricsCallbacks,
  Retrieval,
  RetryInterceptor,
  TimeoutInterceptor,
  TokenCounter,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, willClose } from '../support/app.js';

afterEach(closeApps);

/** Returns another double for every property, as `createMock()` of several libraries does. */
function deepMock(): object {
  const properties = new Map<unknown, unknown>();
  return new Proxy(() => undefined, {
    get(_target, key) {
      // A promise would be awaited.
      if (key === 'then') return undefined;
      if (!properties.has(key)) properties.set(key, deepMock());
      return properties.get(key);
    },
    has: () => true,
  });
}

@Injectable()
class Index {
  find(query: string): string[] {
    return [query];
  }
}

@Injectable()
class Desk {
  constructor(private readonly index: Index) {}

  @Chain()
  async answer(question: string) {
    return { question, found: this.index };
  }

  @Chain()
  plain(question: string) {
    return question.length;
  }

  @Retrieval('texts')
  async search(query: string) {
    return [query];
  }

  @Retrieval()
  *words(text: string) {
    yield* text.split(' ');
  }
}

describe.each<[string, () => object]>([
  ['deep mocks', deepMock],
  ['empty objects', () => ({})],
  ['classes', () => class {}],
])('With %s for all injected dependencies,', (_what, mock) => {
  it('chains and retrievals run as plain methods', async () => {
    const module = await Test.createTestingModule({ providers: [Desk] })
      .useMocker(mock)
      .compile();
    await willClose(module).init();
    const desk = module.get(Desk);

    expect(await desk.answer('Where?')).toMatchObject({ question: 'Where?' });
    expect(desk.plain('Where?')).toBe(6);
    expect(await desk.search('lamp')).toEqual(['lamp']);
    expect([...desk.words('a b')]).toEqual(['a', 'b']);
  });

  it('chains and retrievals behave as in an application that has the module', async () => {
    const recording = new RecordingCallbacks();
    const root = CallbacksModule.forRoot({
      llm: { provider: new FakeLlm(['hello']), model: 'm' },
      callbacks: [recording],
    });
    const module = await Test.createTestingModule({ imports: [root], providers: [Desk] })
      .useMocker(mock)
      .compile();
    await willClose(module).init();

    await module.get(Desk).answer('Where?');
    await module.get(LlmService).generate('hi');
    expect(recording.tree().map(({ events }) => events)).toEqual([
      ['chain.start', 'chain.end'],
      ['llm.start', 'llm.end'],
    ]);
  });

  it('ready-made callbacks and interceptors keep their default options', async () => {
    const fake = new FakeLlm(['hello']);
    const root = CallbacksModule.forRoot({ llm: { provider: fake, model: 'm' } });
    const providers = [
      CacheInterceptor,
      CircuitBreakerInterceptor,
      CostTracker,
      LoggingCallbacks,
      MetricsCallbacks,
      RetryInterceptor,
      TimeoutInterceptor,
      TokenCounter,
    ];
    const module = await Test.createTestingModule({ imports: [root], providers })
      .useMocker(mock)
      .compile();
    await willClose(module).init();

    expect((await module.get(LlmService).generate('hi')).text).toBe('hello');
    expect((await module.get(LlmService).generate('hi')).cached).toBe(true);
    expect(fake.requests).toHaveLength(1);
  });
});

describe('A double assigned to an instance,', () => {
  it.each<[string, unknown]>([
    ['a mock', deepMock()],
    ['an empty object', {}],
    ['null', null],
    ['a string', 'runner'],
  ])('%s, keeps all its methods', async (_what, double) => {
    const desk = Object.assign(new Desk(new Index()), {});
    const [key] = Object.getOwnPropertySymbols(Desk.prototype);
    // As @suites/unit does.
    (desk as unknown as Record<symbol, unknown>)[key!] = double;
    expect(await desk.search('lamp')).toEqual(['lamp']);
    Object.defineProperty(desk, key!, { value: double, configurable: true });
    expect(await desk.search('lamp')).toEqual(['lamp']);
  });
});
