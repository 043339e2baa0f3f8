import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, Scope, type OnModuleInit } from '@nestjs/common';
import { LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { Chain } from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp, willClose } from '../support/app.js';
import { startRecorded } from '../support/chains.js';

afterEach(closeApps);

describe('A decorated method of a provider', () => {
  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {
    @Chain()
    who() {
      return this;
    }
  }
  @Injectable({ scope: Scope.TRANSIENT })
  class PerUser {
    @Chain()
    who() {
      return this;
    }
  }
  @Injectable()
  class User {
    constructor(readonly own: PerUser) {}
  }

  it.each([PerRequest, PerUser])('of scope %p emits events on every instance', async (type) => {
    const { module, recording } = await startRecorded([type]);
    const [one, two] = [await module.resolve<PerUser>(type), await module.resolve<PerUser>(type)];
    expect([one.who() === one, two.who() === two, one === two]).toEqual([true, true, false]);
    expect(recording.of('chain.end')).toMatchObject([
      { chainName: `${type.name}.who` },
      { chainName: `${type.name}.who` },
    ]);
  });

  it('emits events on an injected transient instance', async () => {
    const { module, recording } = await startRecorded([PerUser, User]);
    const { own } = module.get(User);
    expect(own.who()).toBe(own);
    expect(recording.of('chain.end')).toHaveLength(1);
  });

  it('emits events on an instance created by ModuleRef', async () => {
    const { module, recording } = await startRecorded([]);
    const created = await module.get(ModuleRef).create(PerUser);
    expect(created.who()).toBe(created);
    expect(recording.of('chain.end')).toHaveLength(1);
  });

  it('emits events in onModuleInit() already', async () => {
    @Injectable()
    class Early implements OnModuleInit {
      onModuleInit() {
        this.ping();
      }
      @Chain()
      ping() {
        return 'pong';
      }
    }
    const { recording } = await startRecorded([Early]);
    expect(recording.of('chain.end')).toMatchObject([{ chainName: 'Early.ping' }]);
  });

  it('emits events in a lazily loaded module', async () => {
    @Injectable()
    class Late {
      @Chain()
      ping() {
        return 'pong';
      }
    }
    @Module({ providers: [Late] })
    class LateModule {}
    const { module, recording } = await startRecorded([]);
    const loaded = await module.get(LazyModuleLoader).load(() => LateModule);
    expect(loaded.get(Late).ping()).toBe('pong');
    expect(recording.of('chain.end')).toHaveLength(1);
  });

  it('emits events in a module of an application whose CallbacksModule is not global', async () => {
    @Injectable()
    class Remote {
      @Chain()
      ping() {
        return 'pong';
      }
    }
    @Module({ providers: [Remote], exports: [Remote] })
    class RemoteModule {}
    const recording = new RecordingCallbacks();
    const { module } = await startApp(
      { imports: [RemoteModule] },
      { callbacks: [recording], isGlobal: false },
    );
    expect(module.get(Remote, { strict: false }).ping()).toBe('pong');
    expect(recording.of('chain.end')).toHaveLength(1);
  });
});

describe('A decorated method runs as a plain method', () => {
  class Plain {
    constructor(readonly log: string[] = []) {}

    @Chain()
    add(a: number, b: number) {
      return a + b;
    }

    @Chain()
    async later(value: number) {
      return value;
    }
  }

  it.each([
    ['useValue', { provide: Plain, useValue: new Plain() }],
    ['useFactory', { provide: Plain, useFactory: () => new Plain() }],
  ])('on an instance provided by %s', async (_how, provider) => {
    const { module, recording } = await startRecorded([provider]);
    expect(module.get(Plain).add(1, 2)).toBe(3);
    expect(await module.get(Plain).later(1)).toBe(1);
    expect(recording.events).toEqual([]);
  });

  it('without an application, on a frozen instance, and without an instance', async () => {
    expect(new Plain().add(1, 2)).toBe(3);
    expect(Reflect.apply(Reflect.get(Plain.prototype, 'add'), undefined, [1, 2])).toBe(3);

    @Injectable()
    class Frozen {
      constructor() {
        Object.freeze(this);
      }
      @Chain()
      one() {
        return 1;
      }
    }
    const { module, recording } = await startRecorded([Frozen]);
    expect(module.get(Frozen).one()).toBe(1);
    expect(recording.events).toEqual([]);
  });

  it('in an application without CallbacksModule', async () => {
    @Injectable()
    class Alone {
      @Chain()
      add(a: number, b: number) {
        return a + b;
      }
    }
    const module = await Test.createTestingModule({ providers: [Alone] }).compile();
    willClose(module);
    expect(module.get(Alone).add(1, 2)).toBe(3);
  });
});
