import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { transform } from '@swc/core';
import {
  CallbacksService,
  CostLimiter,
  MemoryLimitStore,
  OnLlmEnd,
  RateLimiter,
  type LlmEndEvent,
} from 'nestjs-llm-callbacks';
import { nearestName, stableName } from '../../src/util/brand.js';
import { ROOT } from '../docs/blocks.js';
import { closeApps, startApp } from '../support/app.js';
import { MemoryJobQueue } from '../support/memory-job-queue.js';

afterEach(closeApps);

const durable = { background: 'durable' } as const;

/** A class as a minifier outputs it. */
function called(name: string, type: Type): Type {
  return Object.defineProperty(type, 'name', { value: name, configurable: true });
}

describe('The name of a class', () => {
  it.each(['', 'a', 'Ab', '$x', 'cSe', '_class', '_class2', 'default', 'audit_default'])(
    'is not stable across builds if it is "%s"',
    (name) => expect(stableName(called(name, class {}))).toBeUndefined(),
  );

  it.each(['Bot', 'Ads', 'Audit', 'TenantBudget'])('is stable across builds: %s', (name) =>
    expect(stableName(called(name, class {}))).toBe(name),
  );

  it('is stable if it is defined in the class', () => {
    // As a static field and a static getter do.
    const a = Object.defineProperty(class {}, 'name', { value: 'Audit', enumerable: true });
    const b = Object.defineProperty(class {}, 'name', { get: () => 'Audit' });
    expect([stableName(a), stableName(b)]).toEqual(['Audit', 'Audit']);
  });

  it('is taken from a base class if it is not stable itself', () => {
    class a extends CostLimiter {}
    expect(nearestName(a)).toBe('CostLimiter');
    expect(nearestName(called('a', class {}))).toBe('a');
  });

  it('is detected as changed in a minified build', async () => {
    const source = await readFile(join(ROOT, 'src/util/build-probe.ts'), 'utf8');
    const found = [];
    for (const mangle of [false, { toplevel: true }]) {
      const { code } = await transform(source, {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript' },
          minify: { compress: false, mangle },
        },
        module: { type: 'es6' },
        minify: true,
      });
      const url = `data:text/javascript,${encodeURIComponent(code)}`;
      found.push(((await import(url)) as { IS_MINIFIED: boolean }).IS_MINIFIED);
    }
    expect(found).toEqual([false, true]);
  });
});

describe('A limiter', () => {
  class a extends CostLimiter {}
  class TeamRate extends RateLimiter {}

  it('without its own name has the name of its class, in every build', async () => {
    const store = new MemoryLimitStore();
    const { llm } = await startApp(
      {},
      {
        callbacks: [
          new RateLimiter({ requestsPerMinute: 1, store }),
          new TeamRate({ requestsPerMinute: 9, store }),
        ],
      },
    );
    await llm.generate('hi');
    await expect(llm.generate('hi')).rejects.toThrow(/^RateLimiter: /);
  });

  it('of a class without a stable name needs a name for its store', () => {
    const store = new MemoryLimitStore();
    expect(() => new a({ maxCost: 1, store })).toThrow(
      'name is missing. Its store counts by the name of the limiter, and it is of a class whose name "a" is not the same in every build. Give it one: { name: \'user-budget\', store }.',
    );
    const Nameless = (() => class extends CostLimiter {})();
    expect(() => new Nameless({ maxCost: 1, store })).toThrow('name is missing');
    expect(() => new a({ maxCost: 1, store, name: 'team' })).not.toThrow();
  });

  it('of such a class uses its own memory store under the name of its base class', async () => {
    const { llm } = await startApp({}, { callbacks: [new a({ maxCost: 0 })] });
    await expect(llm.generate('hi')).rejects.toThrow(/^CostLimiter: /);
  });
});

describe('A durable handler', () => {
  const start = (...providers: Type[]) =>
    startApp({ providers }, { background: { queue: new MemoryJobQueue() } });

  it('of a class without a stable name needs a name', async () => {
    class a {
      @OnLlmEnd(durable) paid(_: LlmEndEvent) {}
    }
    await expect(start(a)).rejects.toThrow(
      "a.paid (llm.end): the job queue knows a durable handler by its name, and that of its class or function, \"a\", is not the same in every build. Give it one: { background: 'durable', name: 'audit' }.",
    );
    class Nameless {
      @OnLlmEnd(durable) paid(_: LlmEndEvent) {}
    }
    await expect(start(called('', Nameless))).rejects.toThrow('is not the same in every build');
  });

  it('with a name can be on any class, together with handlers that are not durable', async () => {
    class a {
      @OnLlmEnd({ ...durable, name: 'audit' }) paid(_: LlmEndEvent) {}
      @OnLlmEnd({ background: true }) later(_: LlmEndEvent) {}
      @OnLlmEnd() now(_: LlmEndEvent) {}
    }
    const queue = new MemoryJobQueue();
    const { llm } = await startApp({ providers: [a] }, { background: { queue } });
    await llm.generate('hi');
    expect(queue.jobs.map(({ handler }) => handler)).toEqual(['audit']);
  });

  it('that is a function needs a name if its own is not stable', async () => {
    const { module } = await start();
    const callbacks = module.get(CallbacksService);
    const e = () => undefined;
    expect(() => callbacks.on('llm.end', e, durable)).toThrow('is not the same in every build');
    expect(() => callbacks.on('llm.end', e, { ...durable, name: 'audit' })).not.toThrow();
    expect(() => callbacks.on('llm.end', () => undefined, durable)).not.toThrow();
  });
});
