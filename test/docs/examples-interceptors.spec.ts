import { afterEach, describe, expect, it } from '@jest/globals';
import { AgentService, CallbacksService, defineTool, LlmService } from 'nestjs-llm-callbacks';
import { FakeLlm } from 'nestjs-llm-callbacks/testing';
import {
  Glossary,
  Expenses,
  OfficeHours,
  PlainWords,
  ResilientModule,
  Shouting,
  SmallTalk,
} from './examples/interceptors.js';
import { around, closeAll, start } from './start.js';

afterEach(closeAll);

/** The model of an application with one interceptor. */
async function llmWith(interceptor: object, answers = ['one two', 'three']) {
  const app = await start({ imports: [around(answers, { callbacks: [interceptor] })] });
  return app.get(LlmService);
}

describe('The examples of interceptors', () => {
  it('call a cheaper model', async () => {
    const { model } = await (await llmWith(new SmallTalk())).generate('Hi');
    expect(model).toBe('gpt-5-nano');
  });

  it('answer without a request', async () => {
    const llm = await llmWith(new Glossary());
    expect(await llm.generate('LLM')).toMatchObject({
      text: 'A large language model.',
      attempts: [],
    });
    expect((await llm.generate('What else?')).text).toBe('one two');
    expect((await llm.stream('LLM').response).text).toBe('A large language model.');
  });

  it('change whole answers and streams', async () => {
    const llm = await llmWith(new Shouting());
    expect((await llm.generate('Hi')).text).toBe('ONE TWO');
    expect((await llm.stream('Hi').response).text).toBe('THREE');
  });

  it('read the usage', async () => {
    const expenses = new Expenses();
    const llm = await llmWith(expenses);
    await llm.generate('Hi', { userId: 'ada' });
    await llm.stream('Hi', { userId: 'bob' }).response;
    expect(expenses.spent).toEqual([
      { user: 'ada', cost: null },
      { user: 'bob', cost: null },
    ]);
  });

  it('wrap tools and agents', async () => {
    const fake = new FakeLlm([{ toolCalls: [{ name: 'refund' }] }, 'Call at 9.']);
    const hours = Object.assign(new OfficeHours(), { isOpen: false });
    const refund = defineTool({ name: 'refund', description: 'Pays back.', execute: () => 'paid' });
    const root = around([], {
      llm: { provider: fake, model: 'fake' },
      agent: { tools: [refund] },
      callbacks: [hours],
    });
    const app = await start({ imports: [root] });
    await app.get(AgentService).run('Pay me back.');
    expect(fake.requests[0]!.messages[0]!.content).toMatch(/Be polite\.$/);
    expect(fake.requests[1]!.messages.at(-1)!.content).toMatch(/office hours/);
    await expect(app.get(AgentService).run('!'.repeat(10_001))).rejects.toThrow('fewer words');
  });

  it('wrap chains and retrievals', async () => {
    const app = await start({ imports: [around([], { callbacks: [new PlainWords()] })] });
    const callbacks = app.get(CallbacksService);
    const find = (query: string) => [query, 'two', 'three', 'four'];
    const texts = await callbacks.retrieval('Refund, please', find, 'help-texts');
    expect(texts).toEqual(['refund,', 'two', 'three']);
    const long = callbacks.chain('answer', '!'.repeat(10_001), () => 'never');
    await expect(long).rejects.toThrow('Too long.');
  });

  it('combine ready-made interceptors', async () => {
    const app = await start({ imports: [ResilientModule] });
    await app.get(LlmService).generate('Hi');
    expect((await app.get(LlmService).generate('Hi')).cached).toBe(true);
  });
});
