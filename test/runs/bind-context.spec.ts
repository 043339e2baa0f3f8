import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  AgentService,
  BindContext,
  CallbacksService,
  Chain,
  defineTool,
  InterceptLlm,
  LlmService,
  OnCallbackError,
  OnLlmEnd,
  OnLlmStart,
  OnLlmStreamChunk,
  OnToolStart,
  Retrieval,
  type Bind,
  type CallbackErrorEvent,
  type CallbackEvent,
  type ContextBinding,
  type InterceptedLlmCall,
  type LlmNext,
  type LlmProvider,
  type LlmRequest,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';
import { logs } from '../support/logs.js';

afterEach(closeApps);

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';

/** Where code runs: the types of the runs that it is bound to, outermost first. */
const place = new AsyncLocalStorage<readonly string[]>();
const here = (): string => (place.getStore() ?? []).join('>') || 'nowhere';

class Places {
  readonly started: string[] = [];
  @BindContext() bind(event: CallbackEvent): Bind {
    this.started.push(event.type);
    const kind = event.type.replace('.start', '');
    // As with a tracer's active span, a second entry into the same run changes nothing.
    return (work) => {
      const outer = place.getStore() ?? [];
      return place.run(outer.at(-1) === kind ? outer : [...outer, kind], work);
    };
  }
}

/** Binds by what a test gives. */
class Binding {
  constructor(private readonly given: (event: CallbackEvent) => unknown) {}
  @BindContext() bind(event: CallbackEvent): ContextBinding {
    return this.given(event) as ContextBinding;
  }
}

class Seen {
  readonly at: Record<string, string> = {};
  errors: CallbackErrorEvent[] = [];
  @OnLlmStart() start() {
    this.at['llm.start'] = here();
  }
  @OnLlmStreamChunk() chunk() {
    this.at['llm.chunk'] = here();
  }
  @OnLlmEnd() async end() {
    await Promise.resolve();
    this.at['llm.end'] = here();
  }
  @OnLlmEnd({ background: true }) later() {
    this.at['background'] = here();
  }
  @OnToolStart() tool() {
    this.at['tool.start'] = here();
  }
  @OnCallbackError() failed(event: CallbackErrorEvent) {
    this.errors.push(event);
  }
  @InterceptLlm() around(_call: InterceptedLlmCall, next: LlmNext) {
    this.at['interceptor'] = here();
    return next();
  }
}

/** A provider that notes where it is called and where each of its pieces is pulled. */
class NotingProvider implements LlmProvider {
  readonly name = 'noting';
  readonly at: string[] = [];
  readonly #fake = new FakeLlm(Array.from({ length: 20 }, () => 'one two'));
  async generate(...args: Parameters<FakeLlm['generate']>) {
    this.at.push(here());
    return this.#fake.generate(...args);
  }
  stream(request: LlmRequest, context: Parameters<FakeLlm['stream']>[1]) {
    const source = this.#fake.stream(request, context)[Symbol.asyncIterator]();
    const pulled = {
      next: () => {
        this.at.push(here());
        return source.next();
      },
      [Symbol.asyncIterator]: () => pulled,
    };
    return pulled;
  }
}

@Injectable()
class Desk {
  readonly at: string[] = [];
  constructor(private readonly llm: LlmService) {}
  @Chain('answer') async answer() {
    this.at.push(here());
    await this.find();
    const { text } = await this.llm.generate('Hi');
    this.at.push(here());
    return text;
  }
  @Retrieval() async find() {
    this.at.push(here());
    return [];
  }
  @Chain('sync') sync() {
    this.at.push(here());
    return 1;
  }
}

async function start(...callbacks: object[]) {
  const recording = new RecordingCallbacks();
  const seen = new Seen();
  const provider = new NotingProvider();
  const app = await startApp(
    { providers: [Desk] },
    { llm: { provider, model: 'fake' }, callbacks: [recording, seen, ...callbacks] },
  );
  const { module, llm } = app;
  return {
    module,
    llm,
    recording,
    seen,
    provider,
    desk: module.get(Desk),
    service: module.get(CallbacksService),
  };
}

describe('@BindContext()', () => {
  it('is called once a run, before its start event is dispatched', async () => {
    const order: string[] = [];
    const { llm } = await start(new Binding(({ type }) => void order.push(`bind ${type}`)), {
      onLlmStart: () => void order.push('handler'),
    });
    await llm.generate('Hi');
    expect(order).toEqual(['bind llm.start', 'handler']);
  });

  it('binds handlers, interceptors and the request, but no chunk and no background handlers', async () => {
    const { llm, seen, provider, service } = await start(new Places());

    await llm.generate('Hi');
    await service.flush();

    expect(seen.at).toEqual({
      'llm.start': 'llm',
      'llm.end': 'llm',
      interceptor: 'llm',
      background: 'nowhere',
    });
    expect(provider.at).toEqual(['llm']);
  });

  it("binds each pull of a provider's stream, but not the loop of its consumer", async () => {
    const { llm, seen, provider } = await start(new Places());
    const loop: string[] = [];

    for await (const chunk of llm.stream('Hi')) if (chunk.type === 'text') loop.push(here());

    expect(loop).toEqual(['nowhere', 'nowhere']);
    expect(provider.at).toEqual(['llm', 'llm', 'llm']);
    expect(seen.at['llm.chunk']).toBe('nowhere');
  });

  it('binds chains and retrievals with everything nested, across awaits', async () => {
    const { desk, provider } = await start(new Places());
    await desk.answer();
    expect(desk.at).toEqual(['chain', 'chain>retrieval', 'chain']);
    expect(provider.at).toEqual(['chain>llm']);
    expect(here()).toBe('nowhere');
  });

  it('binds a synchronous chain', async () => {
    const { desk } = await start(new Places());
    expect(desk.sync()).toBe(1);
    expect(desk.at).toEqual(['chain']);
  });

  it('binds agents and their tools', async () => {
    const at: string[] = [];
    const seen = new Seen();
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      execute: () => void at.push(here()),
    });
    const { module } = await startApp(
      {},
      {
        answers: [{ toolCalls: [{ name: 'look' }] }, 'done'],
        agent: { tools: [look] },
        callbacks: [new Places(), seen],
      },
    );
    await module.get(AgentService).run('Look.');
    expect(at).toEqual(['agent>tool']);
    expect(seen.at).toMatchObject({ 'tool.start': 'agent>tool', 'llm.start': 'agent>llm' });
  });

  it('gives its ids to the events of the run, and its trace id to nested runs', async () => {
    const { service, llm, recording } = await start(
      new Binding(({ type }) =>
        type === 'chain.start'
          ? { bind: (work: () => unknown) => work(), traceId: TRACE_ID, spanId: SPAN_ID }
          : undefined,
      ),
    );
    let inside: unknown;
    await service.chain('outer', 1, async () => {
      inside = service.current;
      await llm.generate('Hi');
    });

    const ids = recording.events.map(({ type, traceId, spanId }) => ({ type, traceId, spanId }));
    expect(ids).toEqual([
      { type: 'chain.start', traceId: TRACE_ID, spanId: SPAN_ID },
      { type: 'llm.start', traceId: TRACE_ID, spanId: undefined },
      { type: 'llm.end', traceId: TRACE_ID, spanId: undefined },
      { type: 'chain.end', traceId: TRACE_ID, spanId: SPAN_ID },
    ]);
    expect(recording.events[0]!.toJSON()).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID });
    expect(inside).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID });
  });

  it('nests by `order`, the lowest outermost, and applies by `when`', async () => {
    class Ordered {
      readonly entered: string[] = [];
      @BindContext({ order: 1 }) inner(): Bind {
        return (work) => (this.entered.push('inner'), work());
      }
      @BindContext({ order: -1 }) outer(): Bind {
        return (work) => (this.entered.push('outer'), work());
      }
      @BindContext({ when: ({ type }) => type === 'agent.start' }) never(): Bind {
        return (work) => (this.entered.push('never'), work());
      }
    }
    const ordered = new Ordered();
    const { service } = await start(ordered);
    await service.chain('c', 1, () => undefined);
    // The start handlers, the work, the end handlers.
    expect(ordered.entered).toEqual(['outer', 'inner', 'outer', 'inner', 'outer', 'inner']);
  });

  it.each<[what: string, given: (event: CallbackEvent) => unknown, message: string]>([
    [
      'throws',
      () => {
        throw new Error('no tracer');
      },
      'no tracer',
    ],
    ['returns a promise', async () => undefined, 'returned a promise'],
    ['returns something else', () => 'bind', 'return a function that calls its work'],
    [
      'gives a bad id',
      () => ({ bind: (work: Bind) => work, spanId: 'x' }),
      'gave ids that are none',
    ],
    ['never calls its work', () => () => undefined, 'called its work 0 times'],
    [
      'calls its work twice',
      () => (work: () => unknown) => (work(), work()),
      'called its work 2 times',
    ],
    [
      'throws before its work',
      () => () => {
        throw new Error('no span');
      },
      'no span',
    ],
    [
      'throws after its work',
      () => (work: () => unknown) => {
        work();
        throw new Error('no end');
      },
      'no end',
    ],
    ['calls its work too late', () => (work: () => unknown) => void setImmediate(work), '0 times'],
  ])(
    'that %s is a callback.error once a run, and the work runs once',
    async (_, given, message) => {
      const { service, llm, provider, seen } = await start(new Binding(given));
      let ran = 0;

      const result = await service.chain('c', 1, () => ++ran);
      for await (const chunk of llm.stream('Hi')) expect(chunk).toBeDefined();

      expect([result, ran]).toEqual([1, 1]);
      expect(provider.at).toHaveLength(3);
      const messages = seen.errors.map(({ error, handler }) => [handler, (error as Error).message]);
      expect(messages).toEqual([
        ['Binding.bind', expect.stringContaining(message)],
        ['Binding.bind', expect.stringContaining(message)],
      ]);
      expect(logs.length).toBeGreaterThan(0);
    },
  );

  it('passes errors of the work on, unchanged and without a callback.error', async () => {
    const error = new Error('of the work');
    const { service, seen } = await start(new Places());
    await expect(
      service.chain('c', 1, () => {
        throw error;
      }),
    ).rejects.toBe(error);
    expect(seen.errors).toEqual([]);
  });

  it('applies to the runs of its scope', async () => {
    const bound: string[] = [];
    class Scoped {
      @BindContext({ scope: 'default' }) bind({ type }: CallbackEvent) {
        bound.push(type);
      }
    }
    const { llm } = await start(new Scoped());
    await llm.generate('Hi');
    expect(bound).toEqual(['llm.start']);
  });
});
