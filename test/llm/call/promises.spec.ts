import { createHook } from 'node:async_hooks';
import { afterEach, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import {
  AgentService,
  CallbacksModule,
  CostTracker,
  defineTool,
  LlmService,
} from 'nestjs-llm-callbacks';
import { closeApps, startApp, willClose } from '../../support/app.js';
import { HELLO, WIRES } from '../../support/wire/index.js';
import { newClient } from '../../support/wire/sdk-clients.js';
import { sender } from '../../support/wire/sdk-mocks.js';

afterEach(closeApps);

/** On Node 20, each promise has an additional cost if there is an async context. */
const MORE = { openai: 5, anthropic: 5, responses: 9 };
const MORE_OF_AGENT = 33;

/** How many promises a piece of work creates after everything is loaded. */
async function promisesOf(work: () => PromiseLike<unknown>): Promise<number> {
  await work();
  let count = 0;
  const hook = createHook({ init: (_id, type) => void (count += Number(type === 'PROMISE')) });
  hook.enable();
  try {
    await work();
  } finally {
    hook.disable();
  }
  return count;
}

it.each(WIRES)('A call of $name creates few promises more than the SDK', async (wire) => {
  const answer = JSON.stringify(wire.answer(HELLO));
  const headers = { 'content-type': 'application/json' };
  const client = newClient(wire, 'http://memory.test', {
    fetch: () => Promise.resolve(new Response(answer, { headers })),
  });
  const llm = { ...wire.client('http://memory.test'), client };
  const module = await Test.createTestingModule({
    imports: [CallbacksModule.forRoot({ llm })],
    providers: [CostTracker],
  }).compile();
  await willClose(module).init();

  const messages = [{ role: 'user', content: 'Hi' }];
  const body = { model: wire.model, max_tokens: 9, messages, input: 'Hi' };
  const bySdk = await promisesOf(() => sender(wire, client).create(body, {}) as Promise<unknown>);
  const byUs = await promisesOf(() => module.get(LlmService).generate('Hi'));
  expect(byUs - bySdk).toBeLessThanOrEqual(MORE[wire.name]);
});

it('An agent creates few promises more than its calls and its tool', async () => {
  const tool = defineTool({ name: 'look', description: 'Looks.', execute: async () => 'seen' });
  const turns = [{ toolCalls: [{ id: '1', name: 'look', args: {} }] }, 'done'];
  const answers = [...turns, ...turns, 'hello', 'hello'];
  const { module, llm } = await startApp({ providers: [CostTracker] }, { answers });
  const agent = module.get(AgentService).create({ tools: [tool] });
  const ofAgent = await promisesOf(() => agent.run('Look!'));
  const ofCall = await promisesOf(() => llm.generate('Hi'));
  expect(ofAgent - 2 * ofCall).toBeLessThanOrEqual(MORE_OF_AGENT);
});
