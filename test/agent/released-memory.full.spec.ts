import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import { AgentService, defineTool } from 'nestjs-llm-callbacks';
import { closeApps, startApp } from '../support/app.js';
import { collectGarbage } from '../support/gc.js';

afterEach(closeApps);

it('an ended agent releases its conversation', async () => {
  // Stays alive in the context of the agent, as promises of a `fetch` do.
  const contexts: AsyncResource[] = [];
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    execute: () => contexts.push(new AsyncResource('of the tool')),
  });
  const { module } = await startApp(
    {},
    { answers: [{ toolCalls: [{ id: 'c1', name: 'look' }] }, 'done'], agent: { tools: [look] } },
  );
  const work = async () => {
    const { steps, messages } = await module.get(AgentService).run('go');
    return [new WeakRef(steps), new WeakRef(messages)];
  };
  const kept = await work();
  await setImmediate();
  collectGarbage();
  expect(contexts).toHaveLength(1);
  expect(kept.map((one) => one.deref())).toEqual([undefined, undefined]);
});
