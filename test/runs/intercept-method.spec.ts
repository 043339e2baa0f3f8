import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { from, lastValueFrom, type Observable } from 'rxjs';
import {
  CallbackAbort,
  CallbacksConfigurationError,
  CallbacksService,
  Chain,
  InterceptChain,
  InterceptRetrieval,
  LlmService,
  LlmStream,
  Retrieval,
  type ChainNext,
  type InterceptedChainCall,
  type InterceptedRetrievalCall,
  type RetrievalNext,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

type AroundChain = (call: InterceptedChainCall, next: ChainNext) => unknown;
type AroundRetrieval = (call: InterceptedRetrievalCall, next: RetrievalNext) => unknown;

class Chains {
  constructor(private readonly intercept: AroundChain) {}
  @InterceptChain() around(call: InterceptedChainCall, next: ChainNext) {
    return this.intercept(call, next);
  }
}
class Retrievals {
  constructor(private readonly intercept: AroundRetrieval) {}
  @InterceptRetrieval() around(call: InterceptedRetrievalCall, next: RetrievalNext) {
    return this.intercept(call, next);
  }
}

@Injectable()
class Desk {
  readonly calls: unknown[][] = [];
  constructor(private readonly llm: LlmService) {}

  @Chain('greet') async greet(...names: string[]) {
    this.calls.push(names);
    return `Hello ${names.join(' and ')}`;
  }
  @Chain('count') count(list: readonly string[]) {
    this.calls.push([list]);
    return list.length;
  }
  @Chain('promise') later(text: string): unknown {
    return Promise.resolve(text);
  }
  @Chain('stream') stream(prompt: string) {
    return this.llm.stream(prompt);
  }
  @Chain('rows') rows(): Observable<number> {
    return from([1, 2]);
  }
  @Chain('nested') async nested() {
    return this.find('inner', 3);
  }
  @Retrieval('texts') async find(query: string, limit: number) {
    this.calls.push([query, limit]);
    return [`${query}:${limit}`];
  }
}

function typesOf({ events }: RecordingCallbacks): string[] {
  return events.map(({ type }) => type);
}

async function start(...callbacks: object[]) {
  const recording = new RecordingCallbacks();
  const app = await startApp(
    { providers: [Desk] },
    { answers: ['Once'], callbacks: [recording, ...callbacks] },
  );
  return {
    ...app,
    desk: app.module.get(Desk),
    service: app.module.get(CallbacksService),
    recording,
  };
}

describe('An interceptor of chains', () => {
  it('receives the chain, its start event and its signal, and passes its result on', async () => {
    const seen: unknown[] = [];
    const { desk, recording } = await start(
      new Chains((call, next) => {
        seen.push(call.kind, call.request, call.event.type, call.signal.aborted, call.streaming);
        return next();
      }),
    );

    expect(await desk.greet('Ada')).toBe('Hello Ada');

    expect(seen).toEqual([
      'chain',
      { chainName: 'greet', input: 'Ada' },
      'chain.start',
      false,
      false,
    ]);
    expect(typesOf(recording)).toEqual(['chain.start', 'chain.end']);
  });

  it('changes the only argument, or the list of arguments', async () => {
    const { desk } = await start(
      new Chains(({ request }, next) =>
        next({ ...request, input: request.input === 'Ada' ? 'Grace' : ['Alan', 'Edsger'] }),
      ),
    );

    expect(await desk.greet('Ada')).toBe('Hello Grace');
    expect(await desk.greet('Ada', 'Bob')).toBe('Hello Alan and Edsger');
  });

  it('passes a list on as the only argument', async () => {
    const { desk } = await start(
      new Chains(({ request }, next) => next({ ...request, input: ['a', 'b', 'c'] })),
    );
    expect(desk.count(['x'])).toBe(3);
  });

  it('answers without the method, calls it again, or fails the chain with its own error', async () => {
    const refusal = new CallbackAbort('Closed.');
    const { desk, recording } = await start(
      new Chains(async ({ request }, next) => {
        if (request.input === 'nobody') return 'Hello?';
        if (request.input === 'refused') throw refusal;
        await next();
        return next();
      }),
    );

    expect(await desk.greet('nobody')).toBe('Hello?');
    expect(desk.calls).toEqual([]);
    expect(await desk.greet('Ada')).toBe('Hello Ada');
    expect(desk.calls).toEqual([['Ada'], ['Ada']]);
    await expect(desk.greet('refused')).rejects.toBe(refusal);
    expect(typesOf(recording).at(-1)).toBe('chain.error');
  });

  it('emits events of the chain', async () => {
    const { desk, recording } = await start(
      new Chains(async (call, next) => {
        await call.emit('greeting.seen', call.request.input);
        return next();
      }),
    );

    await desk.greet('Ada');

    const [custom] = recording.of('custom');
    expect(custom).toMatchObject({ name: 'greeting.seen', data: 'Ada' });
    expect(custom!.runId).toBe(recording.of('chain.start')[0]!.runId);
  });

  it('wraps in the order of `order`, and applies by scope and `when`', async () => {
    const order: string[] = [];
    class Ordered {
      @InterceptChain({ order: 1 }) inner(_call: InterceptedChainCall, next: ChainNext) {
        order.push('inner');
        return next();
      }
      @InterceptChain({ order: -1 }) outer(_call: InterceptedChainCall, next: ChainNext) {
        order.push('outer');
        return next();
      }
      @InterceptChain({ when: ({ request }) => request.chainName === 'other' })
      never(_call: InterceptedChainCall, next: ChainNext) {
        order.push('never');
        return next();
      }
    }
    const { desk } = await start(new Ordered());

    await desk.greet('Ada');

    expect(order).toEqual(['outer', 'inner']);
  });

  it('keeps runs inside the method nested under the chain', async () => {
    const { desk, recording } = await start(new Chains(async (_call, next) => next()));
    await desk.nested();
    const [chain, retrieval] = recording.events.filter(({ type }) => type.endsWith('.start'));
    expect(retrieval!.parentRunId).toBe(chain!.runId);
  });

  it('wraps callbacks.chain() with the input that its function receives', async () => {
    const { service } = await start(
      new Chains(({ request }, next) => next({ ...request, input: 'changed' })),
    );
    expect(await service.chain('work', 'input', (input) => `got ${input}`)).toBe('got changed');
  });

  it('stays synchronous around a synchronous chain', async () => {
    const { desk } = await start(new Chains((_call, next) => (next() as number) + 1));
    expect(desk.count(['a'])).toBe(2);
  });

  it('that is asynchronous fails the call of a synchronous chain, with what to do', async () => {
    const { desk, recording } = await start(new Chains(async (_call, next) => next()));

    expect(() => desk.count(['a'])).toThrow(CallbacksConfigurationError);
    expect(() => desk.count(['a'])).toThrow(
      'Chains.around is asynchronous, but wraps a synchronous chain',
    );
    expect(typesOf(recording)).toContain('chain.error');
  });

  it('may return a promise around a method that returns one', async () => {
    const { desk } = await start(
      new Chains((_call, next) => (next() as Promise<string>).then((text) => `${text}!`)),
    );
    expect(await desk.later('Hello')).toBe('Hello!');
  });

  it('passes a returned stream through as the same object, and the chain ends with it', async () => {
    let given: unknown;
    const { desk, recording } = await start(new Chains((_call, next) => (given = next())));

    const stream = desk.stream('Hi');
    expect(stream).toBe(given);
    expect(stream).toBeInstanceOf(LlmStream);
    expect(typesOf(recording)).toEqual(['chain.start']);
    expect((await stream.response).text).toBe('Once');

    expect(typesOf(recording)).toEqual([
      'chain.start',
      'llm.start',
      'llm.chunk',
      'llm.end',
      'chain.end',
    ]);
  });

  it('passes an Observable through, and the chain ends with it', async () => {
    const { desk, recording } = await start(new Chains((_call, next) => next()));
    expect(await lastValueFrom(desk.rows())).toBe(2);
    expect(typesOf(recording)).toEqual(['chain.start', 'chain.end']);
  });
});

describe('An interceptor of retrievals', () => {
  it('receives query and source, and changes the query of the method and of the end event', async () => {
    const { desk, recording } = await start(
      new Retrievals(async ({ kind, request }, next) => {
        expect([kind, request]).toEqual(['retrieval', { query: 'cats', source: 'texts' }]);
        return next({ ...request, query: 'dogs' });
      }),
    );

    expect(await desk.find('cats', 5)).toEqual(['dogs:5']);

    expect(recording.events).toMatchObject([
      { type: 'retrieval.start', query: 'cats' },
      { type: 'retrieval.end', query: 'dogs', documents: ['dogs:5'] },
    ]);
  });

  it('wraps callbacks.retrieval(), and answers in its place', async () => {
    const { service } = await start(new Retrievals(() => ['cached']));
    const documents = await service.retrieval('cats', () => ['fresh'], 'index');
    expect(documents).toEqual(['cached']);
  });
});
