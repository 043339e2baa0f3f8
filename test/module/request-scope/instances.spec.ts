import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  InterceptLlm,
  LlmService,
  OnLlmEnd,
  OnLlmStart,
  OnLlmStreamChunk,
} from 'nestjs-llm-callbacks';
import { callMethod } from '../../../src/handlers/handler.js';
import { HandlerScope } from '../../../src/handlers/handler-scope.js';
import { HandlerRegistry } from '../../../src/handlers/handler-registry.js';
import { closeApps, startApp } from '../../support/app.js';
import { collectGarbage } from '../../support/gc.js';
import { readAll } from '../../support/wire/index.js';
import { platforms, serve } from './support.js';

afterEach(closeApps);

@Injectable({ scope: Scope.REQUEST })
class Meter {
  @OnLlmStart() start() {}
  @OnLlmEnd() end() {}
  @InterceptLlm() around(call: unknown, next: unknown) {
    return [this, call, next];
  }
}

it('An interceptor is called on its owner’s instance: asynchronously the first time, synchronously afterwards', async () => {
  const { module } = await startApp({ providers: [Meter] });
  const [interceptor] = module.get(HandlerRegistry).tableFor(new HandlerScope())['intercept.llm'];
  const [one, two] = [{ root: {} }, { root: {} }];
  const first = callMethod(interceptor!, one, 'call', 'next');
  expect(first).toBeInstanceOf(Promise);
  const [instance, ...args] = (await first) as unknown[];
  expect(args).toEqual(['call', 'next']);
  expect(callMethod(interceptor!, one, 'again')).toEqual([instance, 'again', undefined]);
  expect(((await callMethod(interceptor!, two)) as unknown[])[0]).not.toBe(instance);
});

it('A chunk waits for an instance that is being created, and no later chunk does', async () => {
  const order: string[] = [];
  @Injectable({ scope: Scope.REQUEST })
  class Pieces {
    @OnLlmStreamChunk() piece({ index }: { index: number }) {
      order.push(`piece ${index}`);
      queueMicrotask(() => order.push(`after ${index}`));
    }
  }
  @Injectable()
  class Following {
    @OnLlmStreamChunk({ order: 1 }) piece({ index }: { index: number }) {
      order.push(`following ${index}`);
    }
  }
  const { llm } = await startApp(
    { providers: [Pieces, Following] },
    { answers: ['one two three'] },
  );
  await readAll(llm.stream('hi'));
  expect(order).toEqual(
    [
      ['piece 0', 'after 0', 'following 0'],
      ['piece 1', 'following 1', 'after 1'],
      ['piece 2', 'following 2', 'after 2'],
    ].flat(),
  );
});

describe('A request-scoped instance is released', () => {
  /** How many of the created instances are still alive. */
  let built: WeakRef<object>[];
  beforeEach(() => {
    built = [];
  });

  @Injectable({ scope: Scope.REQUEST })
  class Counted {
    constructor(@Inject(REQUEST) readonly request: unknown) {
      built.push(new WeakRef(this));
    }
    @OnLlmEnd() end() {}
  }

  /** The number of live instances, once it is at most `few`, or after a timeout. */
  async function left(few: number): Promise<number> {
    for (let i = 0; i < 10 && count() > few; i++) {
      await turn();
      collectGarbage();
    }
    return count();
  }
  const count = () => built.filter((ref) => ref.deref() !== undefined).length;

  it('when its run tree is over', async () => {
    const { llm } = await startApp({ providers: [Counted] });
    for (let i = 0; i < 20; i++) await llm.generate('hi');
    expect(built).toHaveLength(20);
    // The last one may still be on a stack.
    expect(await left(1)).toBeLessThanOrEqual(1);
  });

  it.each(platforms)('when its request is over, on %s', async (platform) => {
    @Controller()
    class Desk {
      constructor(private readonly llm: LlmService) {}
      @Get() async ask() {
        return (await this.llm.generate('hi')).text;
      }
    }
    const { ask } = await serve(platform, { providers: [Counted], controllers: [Desk] });
    for (let i = 0; i < 20; i++) await ask();
    expect(built).toHaveLength(20);
    // A keep-alive connection may hold its last request.
    expect(await left(2)).toBeLessThanOrEqual(2);
  });
});
