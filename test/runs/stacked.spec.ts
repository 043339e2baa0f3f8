import 'reflect-metadata';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Param,
  SetMetadata,
  UseGuards,
  type CanActivate,
  type INestApplication,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  CallbacksModule,
  Chain,
  LlmService,
  OnLlmEnd,
  Retrieval,
  type LlmEndEvent,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, willClose } from '../support/app.js';
import { startRecorded } from '../support/chains.js';

afterEach(closeApps);

describe('A decorated method with other decorators', () => {
  const Tagged = (tag: string): MethodDecorator => SetMetadata('tag', tag);
  const Doubled: MethodDecorator = (_target, _key, descriptor: PropertyDescriptor) => {
    const method = descriptor.value as (...args: unknown[]) => number;
    descriptor.value = function (this: unknown, ...args: unknown[]) {
      return 2 * method.apply(this, args);
    };
  };

  @Injectable()
  class Stacked {
    @Chain()
    @Tagged('below')
    @Doubled
    above(value: number) {
      return value;
    }

    @Doubled
    @Tagged('above')
    @Chain()
    below(value: number) {
      return value;
    }

    @Chain()
    @Retrieval()
    both(value: number) {
      return value;
    }
  }

  it('works in either order, and keeps their metadata', async () => {
    const { module, recording } = await startRecorded([Stacked]);
    const stacked = module.get(Stacked);
    expect([stacked.above(2), stacked.below(3)]).toEqual([4, 6]);
    expect(recording.of('chain.end').map(({ result }) => result)).toEqual([4, 3]);
    expect(Reflect.getMetadata('tag', Reflect.get(Stacked.prototype, 'above'))).toBe('below');
  });

  it('is a chain around a retrieval', async () => {
    const { module, recording } = await startRecorded([Stacked]);
    module.get(Stacked).both(1);
    const retrieval = { kind: 'retrieval', events: ['retrieval.start', 'retrieval.end'] };
    expect(recording.tree()).toEqual([
      {
        kind: 'chain',
        events: ['chain.start', 'chain.end'],
        children: [{ ...retrieval, children: [] }],
      },
    ]);
  });

  it.each(['above', 'below'])('receives events with a handler decorator %s it', async (where) => {
    @Injectable()
    class Above {
      @OnLlmEnd()
      @Chain('received')
      async record(event: LlmEndEvent) {
        return event.text;
      }
    }
    @Injectable()
    class Below {
      @Chain('received')
      @OnLlmEnd()
      async record(event: LlmEndEvent) {
        return event.text;
      }
    }
    const { llm, recording } = await startRecorded([where === 'above' ? Above : Below]);
    const { text } = await llm.generate('Hi');
    expect(recording.of('chain.end')).toMatchObject([{ chainName: 'received', result: text }]);
    const [end] = recording.of('llm.end');
    expect(recording.of('chain.start')[0]).toMatchObject({ fromCallback: { runId: end!.runId } });
  });
});

describe('A controller’s route', () => {
  const guard: CanActivate = { canActivate: () => true };

  @Controller()
  class Routes {
    constructor(private readonly llm: LlmService) {}

    @Get('above/:name')
    @UseGuards(guard)
    @Chain()
    async above(@Param('name') name: string) {
      return (await this.llm.generate(name)).text;
    }

    @Chain()
    @UseGuards(guard)
    @Get('below/:name')
    async below(@Param('name') name: string) {
      return (await this.llm.generate(name)).text;
    }
  }

  it.each(['above', 'below'])('is a chain with @Get() %s it', async (where) => {
    const recording = new RecordingCallbacks();
    const llm = { provider: new FakeLlm(always('hello')), model: 'fake' };
    const module = await Test.createTestingModule({
      imports: [CallbacksModule.forRoot({ llm, callbacks: [recording] })],
      controllers: [Routes],
    }).compile();
    const app: INestApplication = willClose(module.createNestApplication({ logger: false }));
    await app.listen(0);
    const answer = await fetch(`${await app.getUrl()}/${where}/ada`);
    expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
    expect(recording.of('chain.start')).toMatchObject([
      { chainName: `Routes.${where}`, input: 'ada' },
    ]);
    const [chain, call] = recording.events;
    expect(call).toMatchObject({ parentRunId: chain!.runId, requestId: chain!.requestId });
  });
});
