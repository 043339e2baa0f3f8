import 'reflect-metadata';
import { inspect, types } from 'node:util';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Inject, Injectable, type Type } from '@nestjs/common';
import { CallbacksConfigurationError, Chain, LlmService, Retrieval } from 'nestjs-llm-callbacks';
import { closeApps } from '../support/app.js';
import { startRecorded } from '../support/chains.js';

afterEach(closeApps);

@Injectable()
class Desk {
  readonly name: string = 'desk';

  constructor(private readonly llm: LlmService) {}

  @Chain()
  async answer(question: string) {
    return (await this.llm.generate(question)).text;
  }

  @Chain('sum')
  add(a: number, b: number) {
    return this.name.length + a + b;
  }

  @Retrieval('help-texts')
  async search(query: string, limit: number) {
    return Array.from({ length: limit }, () => query);
  }

  @Retrieval()
  look() {
    return [];
  }
}

/** A method as its class defines it. */
function methodOf(type: Type, name: string): (...args: unknown[]) => unknown {
  return Reflect.get(type.prototype as object, name) as (...args: unknown[]) => unknown;
}

describe('A decorated method', () => {
  it('is a chain named after its class, with its only argument as input', async () => {
    const { module, recording } = await startRecorded([Desk]);
    expect(await module.get(Desk).answer('Hi')).toBe('hello');
    expect(recording.tree()).toEqual([
      {
        kind: 'chain',
        events: ['chain.start', 'chain.end'],
        children: [{ kind: 'llm', events: ['llm.start', 'llm.end'], children: [] }],
      },
    ]);
    expect(recording.of('chain.start')).toMatchObject([{ chainName: 'Desk.answer', input: 'Hi' }]);
    expect(recording.of('chain.end')).toMatchObject([
      { chainName: 'Desk.answer', result: 'hello' },
    ]);
  });

  it('can be given a name, and has the list of its arguments as input', async () => {
    const { module, recording } = await startRecorded([Desk]);
    expect(module.get(Desk).add(1, 2)).toBe(7);
    expect(recording.of('chain.start')).toMatchObject([{ chainName: 'sum', input: [1, 2] }]);
  });

  it('is a retrieval with its first argument as query', async () => {
    const { module, recording } = await startRecorded([Desk]);
    const found = await module.get(Desk).search('printer', 2);
    module.get(Desk).look();
    expect(recording.of('retrieval.start')).toMatchObject([
      { query: 'printer', source: 'help-texts' },
      { query: undefined, source: undefined },
    ]);
    const [end] = recording.of('retrieval.end');
    expect(end).toMatchObject({ query: 'printer', source: 'help-texts' });
    expect(end!.documents).toBe(found);
  });

  it('keeps its name, its length, its metadata and whether it is async', () => {
    const [answer, add, search] = ['answer', 'add', 'search'].map((name) => methodOf(Desk, name));
    expect([answer!.name, answer!.length, add!.name, add!.length]).toEqual(['answer', 1, 'add', 2]);
    expect([types.isAsyncFunction(answer), types.isAsyncFunction(add)]).toEqual([true, false]);
    expect(types.isAsyncFunction(search)).toBe(true);
    expect(Reflect.getMetadata('design:paramtypes', Desk.prototype, 'add')).toEqual([
      Number,
      Number,
    ]);
  });

  it('adds no property to the instance', async () => {
    const { module } = await startRecorded([Desk]);
    const desk = module.get(Desk);
    expect(Reflect.ownKeys(Object.assign({}, desk)).map(String).toSorted()).toEqual([
      'llm',
      'name',
    ]);
    expect(inspect(desk)).not.toMatch(/runner/i);
    expect(JSON.stringify(desk)).toBe('{"llm":{},"name":"desk"}');
  });

  it('can be spied on', async () => {
    const { module, recording } = await startRecorded([Desk]);
    const desk = module.get(Desk);
    const spy = jest.spyOn(desk, 'add');
    expect(desk.add(1, 1)).toBe(6);
    spy.mockReturnValue(0);
    expect(desk.add(1, 1)).toBe(0);
    expect(recording.of('chain.end')).toHaveLength(1);
  });

  it('cannot be static, symbol-named or a getter', () => {
    const place = { configurable: true, value: () => undefined };
    expect(() => Chain()(Desk, 'make', place)).toThrow(CallbacksConfigurationError);
    expect(() => Chain()(Desk.prototype, Symbol('x'), place)).toThrow('@Chain()');
    expect(() => Retrieval()(Desk.prototype, 'size', { get: () => place.value })).toThrow(
      '@Retrieval() is on Desk.size',
    );
  });
});

describe('An inherited method', () => {
  @Injectable()
  class FrontDesk extends Desk {
    override readonly name = 'front';

    constructor(
      llm: LlmService,
      @Inject('GREETING') readonly greeting: string,
    ) {
      super(llm);
    }

    @Chain()
    greet() {
      return this.add(0, 0);
    }
  }

  it('belongs to the class of the instance', async () => {
    const greeting = { provide: 'GREETING', useValue: 'Hello' };
    const { module, recording } = await startRecorded([FrontDesk, greeting]);
    const desk = module.get(FrontDesk);
    expect([desk.greeting, desk.greet()]).toEqual(['Hello', 5]);
    await desk.answer('Hi');
    expect(recording.of('chain.start').map(({ chainName }) => chainName)).toEqual([
      'FrontDesk.greet',
      'sum',
      'FrontDesk.answer',
    ]);
    const [greet, add] = recording.of('chain.start');
    expect(add!.parentRunId).toBe(greet!.runId);
  });

  it('does not affect the methods of its base class', async () => {
    const { module, recording } = await startRecorded([Desk]);
    expect(module.get(Desk).add(0, 0)).toBe(4);
    expect(recording.events).toHaveLength(2);
  });
});

describe('Two applications in one process', () => {
  it('each emit events for their own instances', async () => {
    const [one, two] = [await startRecorded([Desk]), await startRecorded([Desk])];
    one.module.get(Desk).add(1, 1);
    await two.module.get(Desk).answer('Hi');
    expect(one.recording.of('chain.end')).toMatchObject([{ chainName: 'sum' }]);
    expect(two.recording.of('chain.end')).toMatchObject([{ chainName: 'Desk.answer' }]);
    expect(one.fake.requests).toEqual([]);
  });
});
