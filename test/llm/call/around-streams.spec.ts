import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Sse,
  UseInterceptors,
  type CallHandler,
  type NestInterceptor,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { map, Observable } from 'rxjs';
import {
  CallbacksModule,
  CallbacksService,
  InterceptLlm,
  LlmService,
  type InterceptedLlmCall,
  type LlmNext,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRequest,
} from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, startApp, willClose } from '../../support/app.js';
import { useKeyBench } from '../../support/keyed-app.js';
import { testLogger } from '../../support/logs.js';
import { ask, METHODS, readAll, WIRES } from '../../support/wire/index.js';

const tenants = new AsyncLocalStorage<string>();

/** Enters a storage for the rest of the call. */
class Entering {
  @InterceptLlm({ order: -10 }) enter({ event }: InterceptedLlmCall, next: LlmNext) {
    return tenants.run(event.tenantId ?? 'nobody', () => next());
  }
}

/** Returns the answer as its own stream. */
class Through {
  seen: (string | undefined)[] = [];
  @InterceptLlm() async *through(_call: InterceptedLlmCall, next: LlmNext) {
    this.seen.push(tenants.getStore());
    yield* next() as AsyncIterable<never>;
  }
}

class Plain {
  @InterceptLlm({ order: 5 }) plain(_call: InterceptedLlmCall, next: LlmNext) {
    return next();
  }
}

describe('An interceptor that enters an AsyncLocalStorage around next()', () => {
  const bench = useKeyBench(WIRES[0]!);
  const apiKey = () => tenants.getStore() ?? 'nobody';

  it.each(METHODS)('applies to the API key of the request, by %s', async (method) => {
    const { llm } = await bench.start({ llm: { apiKey }, callbacks: [new Entering()] });
    expect((await ask(llm, method, 'Hi', { tenantId: 'acme' })).text).toBe('acme');
  });

  it.each(METHODS)('applies to inner interceptors, by %s', async (method) => {
    const through = new Through();
    const callbacks = [new Entering(), ...(method === 'stream' ? [through] : []), new Plain()];
    const { llm } = await bench.start({ llm: { apiKey }, callbacks });
    expect((await ask(llm, method, 'Hi', { tenantId: 'acme' })).text).toBe('acme');
    expect(through.seen).toEqual(method === 'stream' ? ['acme'] : []);
  });
});

/** Looks up the tenant in three ways. */
@Injectable()
class Knowing implements LlmProvider {
  readonly name = 'knowing';
  readonly seen: unknown[][] = [];
  callbacks: CallbacksService | undefined;
  readonly #fake = new FakeLlm(always('hello there'));
  async generate(request: LlmRequest, context: LlmProviderContext) {
    this.#see(context);
    return this.#fake.generate(request, context);
  }
  async *stream(request: LlmRequest, context: LlmProviderContext) {
    this.#see(context);
    for await (const item of this.#fake.stream(request, context)) {
      this.#see(context);
      yield item;
    }
  }
  #see({ context }: LlmProviderContext) {
    const { tenantId, runId } = this.callbacks?.current ?? {};
    this.seen.push([context.tenantId, tenantId, typeof runId, tenants.getStore()]);
  }
}

describe('An application’s own provider', () => {
  afterEach(closeApps);

  it.each(METHODS)('sees the tenant of its request, by %s', async (method) => {
    const provider = new Knowing();
    const { module, llm } = await startApp({}, { llm: { provider, model: 'm' } });
    provider.callbacks = module.get(CallbacksService);
    const asking = tenants.run('acme', () =>
      method === 'generate'
        ? llm.generate('Hi', { tenantId: 'acme' })
        : llm.stream('Hi', { tenantId: 'acme' }),
    );
    await ('response' in asking ? readAll(asking) : asking);
    expect(provider.seen.length).toBeGreaterThan(0);
    for (const seen of provider.seen) expect(seen).toEqual(['acme', 'acme', 'string', 'acme']);
  });
});

/** A Nest interceptor, as applications use it for tenants. */
@Injectable()
class TenantInterceptor implements NestInterceptor {
  intercept(_host: unknown, next: CallHandler): Observable<unknown> {
    return new Observable((subscriber) =>
      tenants.run('acme', () => next.handle().subscribe(subscriber)),
    );
  }
}

@Controller()
@UseInterceptors(TenantInterceptor)
class Desk {
  constructor(private readonly llm: LlmService) {}
  @Get('whole') async whole() {
    return (await this.llm.generate('Hi')).text;
  }
  @Sse('pieces') pieces() {
    return this.llm
      .stream('Hi')
      .toObservable()
      .pipe(map((chunk) => ({ data: chunk })));
  }
}

describe('A Nest interceptor that enters an AsyncLocalStorage', () => {
  const bench = useKeyBench(WIRES[0]!);

  it.each([
    ['resolve', { resolve: () => ({ apiKey: tenants.getStore() ?? 'nobody' }) }],
    ['apiKey', { apiKey: () => tenants.getStore() ?? 'nobody' }],
  ])('applies to llm.%s, for whole answers and streams', async (_name, llm) => {
    const root = CallbacksModule.forRoot({ llm: { ...bench.llm, ...llm } });
    const module = await Test.createTestingModule({ imports: [root], controllers: [Desk] })
      .setLogger(testLogger)
      .compile();
    const app = willClose(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    for (const path of ['whole', 'pieces']) await (await fetch(`${url}/${path}`)).text();
    expect(bench.server.keys).toEqual(['acme', 'acme']);
  });
});
