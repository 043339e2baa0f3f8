import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Chain, Retrieval, OnChainStart, OnRetrievalStart } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

/** A wrapper like those for transactions and traces: a plain function around the original. */
const Span: MethodDecorator = (_target, _key, descriptor: PropertyDescriptor) => {
  const method = descriptor.value as (...args: unknown[]) => unknown;
  descriptor.value = function (this: unknown, ...args: unknown[]) {
    return method.apply(this, args);
  };
};

let calls: string[] = [];

@Injectable()
class Work {
  @Chain() @Span async above() {
    calls.push('above');
    return 1;
  }
  @Span @Chain() async below() {
    calls.push('below');
    return 1;
  }
  @Retrieval() @Span @Span async search(_query: string) {
    calls.push('search');
    return [1];
  }
  @Chain() @Retrieval() @Span async both(_query: string) {
    calls.push('both');
    return [1];
  }
  @Chain() declared(): Promise<number> {
    calls.push('declared');
    return Promise.resolve(1);
  }
  @Chain({ name: 'said', async: true }) @Span said() {
    calls.push('said');
    return 1;
  }
  @Chain({ async: false }) async atOnce() {
    calls.push('atOnce');
    return 1;
  }
  @Chain() @Span plain() {
    calls.push('plain');
    return 1;
  }
  @Chain() async *generator() {
    calls.push('generator');
    yield await Promise.resolve(1);
  }
}

@Injectable()
class Gate {
  @OnChainStart({ critical: true })
  @OnRetrievalStart({ critical: true })
  async refuse() {
    await new Promise(setImmediate);
    throw new Error('refused');
  }
}

async function start(providers = [Work, Gate]) {
  calls = [];
  const { module } = await startApp({ providers: providers as never[] });
  return module.get(Work);
}

describe('An asynchronous critical start handler', () => {
  it.each(['above', 'below', 'search', 'both', 'declared', 'said'] as const)(
    'stops the wrapped method %s() before its body runs',
    async (method) => {
      const work = await start();
      await expect(Promise.resolve(work[method]('query'))).rejects.toThrow('refused');
      expect(calls).toEqual([]);
    },
  );

  it('does not stop a method that declares that it is called at once, or returns something other than a promise', async () => {
    const work = await start();
    await expect(work.atOnce()).rejects.toThrow('refused');
    expect(work.plain()).toBe(1);
    expect(calls).toEqual(['atOnce', 'plain']);
    // Its body runs when it is read.
    expect(work.generator()[Symbol.asyncIterator]).toBeDefined();
  });
});

it('A method that waits for start handlers returns the original result', async () => {
  const work = await start([Work] as never[]);
  expect(await work.above()).toBe(1);
  expect(await work.declared()).toBe(1);
  await expect(Promise.resolve(work.said())).resolves.toBe(1);
  const running = work.declared();
  // Without asynchronous handlers its body has already run.
  expect(calls).toEqual(['above', 'declared', 'said', 'declared']);
  await running;
});
