import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Module, Scope } from '@nestjs/common';
import { DiscoveryService, LazyModuleLoader } from '@nestjs/core';
import {
  AgentService,
  CallbacksService,
  OnAgentStart,
  OnLlmEnd,
  OnLlmStart,
  Tool,
} from 'nestjs-llm-callbacks';
import { closeApps, compileApp, startApp } from '../../support/app.js';
import { callsTool, Visit } from './support.js';

let received: { by: object; what: string }[];
beforeEach(() => {
  received = [];
});
afterEach(closeApps);

const instances = () => new Set(received.map(({ by }) => by)).size;

@Injectable()
class Hooks {
  constructor(readonly visit: Visit) {}
  @OnLlmStart() start() {
    received.push({ by: this, what: 'start' });
  }
  @OnLlmEnd() end() {
    received.push({ by: this, what: 'end' });
  }
}

describe('Outside of requests, a request-scoped handler', () => {
  it('has one instance per run tree, and no request', async () => {
    const { module } = await startApp({ providers: [Hooks, Visit] });
    const callbacks = module.get(CallbacksService);
    const job = () =>
      callbacks.chain('job', undefined, async () => {
        const llm = module.get(AgentService).create({});
        await Promise.all([llm.run('a'), llm.run('b')]);
      });
    await job();
    expect(received).toHaveLength(4);
    expect(instances()).toBe(1);
    expect((received[0]!.by as Hooks).visit.request).toBeUndefined();
    await job();
    expect(instances()).toBe(2);
  });

  it('shares its instance with the tools of the tree, including those of nested agents', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Desk {
      @OnAgentStart() begun() {
        received.push({ by: this, what: 'agent' });
      }
      @Tool({ description: 'Looks.', parameters: { type: 'object' } }) look() {
        received.push({ by: this, what: 'tool' });
        return 'seen';
      }
    }
    const { module } = await startApp(
      { providers: [Desk] },
      { llm: { provider: callsTool, model: 'fake' } },
    );
    const agents = module.get(AgentService);
    const inner = agents.create({ name: 'inner', tools: ['look'] });
    const outer = agents.create({ tools: [inner.asTool()] });
    expect((await outer.run('go')).output).toBe('seen');
    expect(received.map(({ what }) => what)).toEqual(['agent', 'agent', 'tool']);
    expect(instances()).toBe(1);
    await outer.run('go');
    expect(instances()).toBe(2);
  });

  it('receives events in an application that is not initialized, and from a lazily loaded module', async () => {
    const { module, llm } = await compileApp({ providers: [Hooks, Visit] });
    await llm.generate('hi');
    expect(received).toHaveLength(2);
    await module.init();
    class Late extends Hooks {}
    @Module({ providers: [Late, Visit] })
    class LateModule {}
    await module.get(LazyModuleLoader).load(() => LateModule);
    await llm.generate('hi');
    expect(received.slice(2).map(({ by }) => by.constructor.name)).toEqual([
      'Hooks',
      'Late',
      'Hooks',
      'Late',
    ]);
  });

  it('is resolved once: later runs need no lookup', async () => {
    const { module, llm } = await startApp({ providers: [Hooks, Visit] });
    const looking = jest.spyOn(module.get(DiscoveryService, { strict: false }), 'getProviders');
    await llm.generate('hi');
    expect(looking).not.toHaveBeenCalled();
  });

  it('is separate in each application', async () => {
    const [one, two] = [
      await startApp({ providers: [Hooks, Visit] }),
      await startApp({ providers: [Hooks, Visit] }),
    ];
    await one.llm.generate('hi');
    await one.module.get(CallbacksService).chain('outer', undefined, () => two.llm.generate('hi'));
    expect(received).toHaveLength(4);
    expect(instances()).toBe(2);
  });
});
