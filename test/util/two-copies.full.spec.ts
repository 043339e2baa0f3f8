import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Inject,
  Injectable,
  Sse,
  UseFilters,
  UseInterceptors,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import * as own from 'nestjs-llm-callbacks';
import type { AddressInfo } from 'node:net';
import { closeApps, compileApp, startApp, willClose } from '../support/app.js';
import { secondCopy } from '../support/second-copy.js';

afterEach(closeApps);

let other: typeof own;
beforeAll(async () => {
  other = await secondCopy();
});

const METHODS = ['generate', 'stream'] as const;
type Method = (typeof METHODS)[number];

async function ask(llm: own.LlmService, method: Method, prompt = 'hi'): Promise<string> {
  if (method === 'generate') return (await llm.generate(prompt)).text;
  let text = '';
  for await (const piece of llm.stream(prompt).textStream) text += piece;
  return text;
}

const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.each(METHODS)('Objects of another copy of the package, by %s:', (method) => {
  it('a CallbackAbort of a handler ends the call', async () => {
    class Gate {
      @other.OnLlmStart()
      closed(): void {
        throw new other.CallbackAbort('The desk is closed.');
      }
    }
    const { llm, fake } = await startApp({}, { callbacks: [new Gate()] });
    const error = await thrownBy(ask(llm, method));
    expect(error).toBeInstanceOf(own.CallbackAbort);
    expect(error).toMatchObject({ name: 'CallbackAbort', message: 'The desk is closed.' });
    expect(fake.requests).toEqual([]);
  });

  it('a RetryInterceptor retries', async () => {
    const { llm, fake } = await startApp(
      {},
      {
        answers: [new Error('down'), 'hello'],
        callbacks: [new other.RetryInterceptor({ initialDelayMs: 1 })],
      },
    );
    expect(await ask(llm, method)).toBe('hello');
    expect(fake.requests).toHaveLength(2);
  });

  it('a FallbackInterceptor calls the next client, but not after a rejection', async () => {
    const fallback = new other.FallbackInterceptor({ clients: ['spare'] });
    const spare = own.CallbacksModule.forFeature({ name: 'spare', llm: { model: 'spare' } });
    class Gate {
      isOpen = true;

      @other.OnLlmStart()
      check(): void {
        if (!this.isOpen) throw new other.CallbackAbort('Closed.');
      }
    }
    const gate = new Gate();
    const { llm, fake } = await startApp(
      { imports: [spare] },
      { answers: [new Error('down'), 'hello'], callbacks: [fallback, gate] },
    );
    expect(await ask(llm, method)).toBe('hello');
    expect(fake.requests.map(({ model }) => model)).toEqual(['fake', 'spare']);
    gate.isOpen = false;
    expect(await thrownBy(ask(llm, method))).toBeInstanceOf(own.CallbackAbort);
    expect(fake.requests).toHaveLength(2);
  });

  it('a CacheInterceptor stores the answer', async () => {
    const { llm, fake } = await startApp({}, { callbacks: [new other.CacheInterceptor()] });
    expect(await ask(llm, method)).toBe('hello');
    expect(await ask(llm, method)).toBe('hello');
    expect(fake.requests).toHaveLength(1);
  });

  it('a CircuitBreakerInterceptor counts failures', async () => {
    const breaker = new other.CircuitBreakerInterceptor({ failures: 1 });
    const { llm, fake } = await startApp(
      {},
      { answers: [new Error('down'), 'hello'], callbacks: [breaker] },
    );
    expect(await thrownBy(ask(llm, method))).toBeInstanceOf(own.LlmServerError);
    expect(await thrownBy(ask(llm, method))).toBeInstanceOf(own.LlmOverloadedError);
    expect(fake.requests).toHaveLength(1);
  });

  it('a TimeoutInterceptor lets an answer pass', async () => {
    const callbacks = [new other.TimeoutInterceptor({ timeoutMs: 60_000 })];
    const { llm } = await startApp({}, { callbacks });
    expect(await ask(llm, method)).toBe('hello');
  });

  it('a RateLimiter rejects calls beyond its rate', async () => {
    const { llm, fake } = await startApp(
      {},
      { callbacks: [new other.RateLimiter({ requestsPerMinute: 1 })] },
    );
    await ask(llm, method);
    expect(await thrownBy(ask(llm, method))).toBeInstanceOf(own.RateLimitExceededError);
    expect(fake.requests).toHaveLength(1);
  });

  it('a provider with decorated methods is discovered, and receives events of its own classes', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Audit {
      @other.OnLlmEnd()
      paid(event: own.LlmEndEvent): void {
        seen.push(event instanceof other.LlmEndEvent, event instanceof other.LlmStartEvent);
      }
    }
    const { llm } = await startApp({ providers: [Audit, other.CostTracker] });
    await ask(llm, method);
    expect(seen).toEqual([true, false]);
  });
});

it('A tool’s fatal error of another copy ends the agent', async () => {
  const look = other.defineTool({
    name: 'look',
    description: 'Looks.',
    execute: () => {
      throw new other.ToolExecutionError('The order system is down.', { fatal: true });
    },
  });
  const { module, fake } = await startApp(
    {},
    { answers: [{ toolCalls: [{ name: 'look' }] }, 'done'], agent: { tools: [look] } },
  );
  const error = await thrownBy(module.get(own.AgentService).run('go'));
  expect(error).toBeInstanceOf(own.ToolExecutionError);
  expect(fake.requests).toHaveLength(1);
});

it('A chain decorated by another copy runs in this application', async () => {
  const seen: string[] = [];
  @Injectable()
  class Desk {
    @other.Chain('answer')
    async answer(): Promise<string> {
      return 'done';
    }

    @own.OnChainEnd()
    done(event: own.ChainEndEvent): void {
      seen.push(event.chainName);
    }
  }
  const { module } = await startApp({ providers: [Desk] });
  await module.get(Desk).answer();
  expect(seen).toEqual(['answer']);
});

describe('Services of the application', () => {
  it('are injected into code that was compiled against another copy', async () => {
    @Injectable()
    class Library {
      constructor(
        @Inject(other.LlmService) readonly llm: own.LlmService,
        @Inject(other.AgentService) readonly agents: own.AgentService,
        @Inject(other.CallbacksService) readonly callbacks: own.CallbacksService,
      ) {}
    }
    const { module, llm } = await startApp({ providers: [Library] });
    const library = module.get(Library);
    expect(library.llm).toBe(llm);
    expect(library.agents).toBe(module.get(own.AgentService));
    expect(library.callbacks).toBe(module.get(own.CallbacksService));
    expect(library.llm).toBeInstanceOf(other.LlmService);
  });

  it('of named clients are injected into such code, too', async () => {
    @Injectable()
    class Library {
      constructor(@other.InjectLlm('support') readonly llm: own.LlmService) {}
    }
    const support = own.CallbacksModule.forFeature({ name: 'support' });
    const { module } = await startApp({ imports: [support], providers: [Library] });
    expect((await module.get(Library).llm.generate('hi')).text).toBe('hello');
  });
});

describe('A module of another copy of the package', () => {
  it('is rejected as a feature, instead of waiting forever', async () => {
    const starting = startApp({ imports: [other.CallbacksModule.forFeature({ name: 'support' })] });
    await expect(starting).rejects.toThrow(
      'CallbacksModule.forFeature("support") and CallbacksModule.forRoot() come from two copies of nestjs-llm-callbacks. See `npm ls nestjs-llm-callbacks`',
    );
  });

  it('is rejected as a second root', async () => {
    const starting = startApp({ imports: [other.CallbacksModule.forRoot()] });
    await expect(starting).rejects.toThrow(
      /forRoot\(\) is imported twice .* See `npm ls nestjs-llm-callbacks`/,
    );
  });
});

describe('Over HTTP, with two copies of the package,', () => {
  async function get(path: string): Promise<{ status: number; text: string }> {
    @Controller()
    @UseInterceptors(other.RequestContextInterceptor)
    class Desk {
      constructor(@Inject(own.LlmService) private readonly llm: own.LlmService) {}

      @Get('answer')
      async answer() {
        return (await this.llm.generate('hi')).text;
      }

      @Sse('stream')
      @UseFilters(other.CallbacksExceptionFilter)
      stream() {
        return this.llm.stream('hi').toObservable();
      }
    }
    class Gate {
      @other.OnLlmEnd()
      closed(): void {
        throw new other.BudgetExceededError('Spent.');
      }
    }
    const { module } = await compileApp(
      {
        controllers: [Desk],
        providers: [{ provide: APP_FILTER, useClass: other.CallbacksExceptionFilter }],
      },
      { callbacks: [new Gate()] },
    );
    const app = willClose(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    const response = await fetch(`http://127.0.0.1:${port}/${path}`);
    return { status: response.status, text: await response.text() };
  }

  it('the filter of one copy handles errors of any copy', async () => {
    const { status, text } = await get('answer');
    expect(status).toBe(402);
    expect(JSON.parse(text)).toMatchObject({ error: 'BudgetExceededError', message: 'Spent.' });
  });

  it('a stream of @Sse() ends with the error, in the form of the other copy’s filter', async () => {
    expect((await get('stream')).text).toContain('"error":"BudgetExceededError"');
  });
});
