import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Inject, Injectable, Module, Scope, type OnModuleInit } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import {
  Callbacks,
  CallbacksService,
  LlmService,
  OnLlmEnd,
  OnLlmStart,
  type LlmEndEvent,
} from 'nestjs-llm-callbacks';
import { logs } from '../support/logs.js';
import { closeApps, startApp } from '../support/app.js';

let received: string[];
beforeEach(() => {
  received = [];
});
afterEach(closeApps);

@Injectable()
class Hooks {
  @OnLlmEnd() end() {
    received.push(`${this.constructor.name}.end`);
  }
}

async function receivedAfterOneCall(providers: Parameters<typeof startApp>[0]): Promise<string[]> {
  const { llm } = await startApp(providers);
  await llm.generate('hi');
  return received;
}

describe('Discovery finds decorated methods', () => {
  it('on providers and controllers', async () => {
    @Controller('desk')
    class Desk {
      @OnLlmEnd() end() {
        received.push('Desk.end');
      }
    }
    expect(await receivedAfterOneCall({ providers: [Hooks], controllers: [Desk] })).toEqual([
      'Hooks.end',
      'Desk.end',
    ]);
  });

  it('on values and on results of factories, now or later', async () => {
    class Value extends Hooks {}
    class Made extends Hooks {}
    class MadeLater extends Hooks {}
    const providers = [
      { provide: 'value', useValue: new Value() },
      { provide: 'made', useFactory: () => new Made() },
      { provide: 'made later', useFactory: async () => Promise.resolve(new MadeLater()) },
    ];
    expect(await receivedAfterOneCall({ providers })).toEqual([
      'Value.end',
      'Made.end',
      'MadeLater.end',
    ]);
  });

  it('once for aliases, for a value under two tokens, and for a module imported by two others', async () => {
    const value = new (class Shared extends Hooks {})();
    @Module({ providers: [Hooks], exports: [Hooks] })
    class HooksModule {}
    @Module({ imports: [HooksModule] })
    class One {}
    @Module({ imports: [HooksModule] })
    class Two {}
    const providers = [
      { provide: 'a', useValue: value },
      { provide: 'b', useValue: value },
      { provide: 'alias', useExisting: 'a' },
    ];
    const names = await receivedAfterOneCall({ imports: [One, Two], providers });
    expect(names.toSorted()).toEqual(['Hooks.end', 'Shared.end']);
  });

  it('that are inherited, but not an override without a decorator', async () => {
    @Injectable()
    class Inherits extends Hooks {}
    @Injectable()
    class Overrides extends Hooks {
      override end() {
        received.push('never');
      }
    }
    expect(await receivedAfterOneCall({ providers: [Inherits, Overrides] })).toEqual([
      'Inherits.end',
    ]);
  });

  it('with several decorators, and with the same one twice', async () => {
    @Injectable()
    class Many {
      @OnLlmStart()
      @OnLlmEnd({ order: 1 })
      @OnLlmEnd({ order: 2 })
      any(event: { type: string }) {
        received.push(event.type);
      }
    }
    expect(await receivedAfterOneCall({ providers: [Many] })).toEqual([
      'llm.start',
      'llm.end',
      'llm.end',
    ]);
  });

  it('below other decorators that wrap the method', async () => {
    const loud: MethodDecorator = (_target, _key, descriptor: PropertyDescriptor) => {
      const inner = descriptor.value as (...args: unknown[]) => unknown;
      descriptor.value = function (this: unknown, ...args: unknown[]) {
        received.push('loud');
        return inner.apply(this, args);
      };
    };
    @Injectable()
    class Wrapped {
      @loud @OnLlmStart() below() {
        received.push('below');
      }
      @OnLlmEnd() @loud above() {
        received.push('above');
      }
    }
    expect(await receivedAfterOneCall({ providers: [Wrapped] })).toEqual([
      'loud',
      'below',
      'loud',
      'above',
    ]);
  });
});

describe('Discovery finds Callbacks classes', () => {
  it('by their method names, each method once, decorated methods first', async () => {
    @Injectable()
    class Named extends Callbacks {
      override onLlmStart() {
        received.push('start');
      }
      @OnLlmEnd() override onLlmEnd() {
        received.push('end');
      }
      override onAnyEvent(event: { type: string }) {
        received.push(`any ${event.type}`);
      }
    }
    expect(await receivedAfterOneCall({ providers: [Named] })).toEqual([
      'start',
      'any llm.start',
      'end',
      'any llm.end',
    ]);
  });

  it('but not a provider that only has a method with such a name', async () => {
    @Injectable()
    class Unrelated {
      onLlmEnd() {
        received.push('never');
      }
    }
    expect(await receivedAfterOneCall({ providers: [Unrelated] })).toEqual([]);
  });
});

describe('Methods named like those of Callbacks', () => {
  @Injectable()
  class Accounts {
    @OnLlmStart() begin() {
      received.push('begin');
    }
    @OnLlmEnd() booked() {
      this.onLlmEnd();
    }
    onLlmEnd() {
      received.push('booked');
    }
  }
  class Gate {
    @OnLlmStart({ order: -1, critical: true })
    onLlmStart() {
      received.push('base');
    }
    @OnLlmEnd() end() {
      received.push('end');
    }
  }
  class OwnGate extends Gate {
    override onLlmStart() {
      received.push('own');
      throw new Error('closed');
    }
  }

  it('are not handlers on a discovered provider, even if other methods are decorated', async () => {
    expect(await receivedAfterOneCall({ providers: [Accounts] })).toEqual(['begin', 'booked']);
  });

  it('are not handlers on a request-scoped provider', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Scoped extends Accounts {}
    expect(await receivedAfterOneCall({ providers: [Scoped] })).toEqual(['begin', 'booked']);
  });

  it('are handlers on a listed object, even if it was also discovered', async () => {
    const { module, llm } = await startApp({ providers: [Accounts] });
    module.get(CallbacksService).add(module.get(Accounts));
    await llm.generate('hi');
    expect(received).toEqual(['begin', 'booked', 'booked']);
  });

  it('keep the options of the decorated method that they override', async () => {
    const { llm } = await startApp({}, { callbacks: [new OwnGate()] });
    await expect(llm.generate('hi')).rejects.toThrow('closed');
    expect(received).toEqual(['own']);
  });

  it('keep these options on a discovered Callbacks class', async () => {
    @Injectable()
    class Base extends Callbacks {
      @OnLlmStart({ critical: true })
      override onLlmStart(): void {
        received.push('base');
      }
    }
    @Injectable()
    class Derived extends Base {
      override onLlmStart() {
        throw new Error('closed');
      }
    }
    const { llm } = await startApp({ providers: [Derived] });
    await expect(llm.generate('hi')).rejects.toThrow('closed');
  });

  it('are not handlers where a discovered class overrides a decorated method', async () => {
    expect(await receivedAfterOneCall({ providers: [OwnGate] })).toEqual(['end']);
  });
});

describe('Discovery is complete before it is needed', () => {
  it('for a run in any onModuleInit, and in a factory while the application is created', async () => {
    @Injectable()
    class Warm implements OnModuleInit {
      constructor(private readonly llm: LlmService) {}
      async onModuleInit() {
        await this.llm.generate('warm up');
      }
    }
    @Module({ providers: [Warm] })
    class WarmModule {}
    const early = {
      provide: 'early',
      useFactory: async (llm: LlmService, _hooks: Hooks) => llm.generate('early'),
      inject: [LlmService, Hooks],
    };
    await startApp({ imports: [WarmModule], providers: [early, Hooks] });
    expect(received).toEqual(['Hooks.end', 'Hooks.end']);
  });

  it('for modules that are loaded lazily', async () => {
    class Late extends Hooks {}
    @Module({ providers: [Late] })
    class LateModule {}
    const { module, llm } = await startApp();
    await llm.generate('before');
    await module.get(LazyModuleLoader).load(() => LateModule);
    await llm.generate('after');
    expect(received).toEqual(['Late.end']);
  });

  it('and never uses an instance whose constructor has not run', async () => {
    @Injectable()
    class Slow {
      readonly ready = true;
      constructor(@Inject('slow') _slow: unknown) {}
      @OnLlmEnd() end(event: LlmEndEvent) {
        received.push(`${event.text} ${this.ready}`);
      }
    }
    let go!: () => void;
    const slow = new Promise<void>((resolve) => (go = resolve));
    const early = {
      provide: 'early',
      useFactory: async (llm: LlmService) => {
        await llm.generate('early');
        go();
      },
      inject: [LlmService],
    };
    const { llm } = await startApp({
      providers: [{ provide: 'slow', useFactory: () => slow }, early, Slow],
    });
    await llm.generate('later');
    expect(received).toEqual(['hello true']);
  });
});

describe('Discovery skips transient providers', () => {
  it('with a warning that names the method', async () => {
    @Injectable({ scope: Scope.TRANSIENT })
    class Brief extends Hooks {}
    expect(await receivedAfterOneCall({ providers: [Brief] })).toEqual([]);
    expect(logs).toContainEqual({
      level: 'warn',
      message: expect.stringMatching(/^Brief\.end .*transient/) as never,
    });
  });
});
