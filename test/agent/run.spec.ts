import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  AgentService,
  BudgetExceededError,
  CallbackAbort,
  CallbacksModule,
  defineTool,
  getAgentToken,
  LlmAbortedError,
  LlmService,
  MaxStepsExceededError,
  Tool,
  ToolExecutionError,
  type AgentOptions,
  type ToolContext,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { z } from 'zod';
import { closeApps, startApp } from '../support/app.js';

afterEach(closeApps);

@Injectable()
class OrderTools {
  @Tool({ description: 'Finds an order.', parameters: z.object({ id: z.string() }) })
  findOrder({ id }: { id: string }) {
    return { id, status: 'sent' };
  }

  @Tool({ name: 'today', description: 'The date.' })
  date() {
    return '2026-11-22';
  }
}

const FIND: FakeAnswer = { toolCalls: [{ id: 'c1', name: 'findOrder', args: { id: '42' } }] };

async function agentApp(answers: FakeAnswer[], agent: AgentOptions = { tools: [OrderTools] }) {
  const recording = new RecordingCallbacks();
  const app = await startApp(
    { providers: [OrderTools] },
    { answers, agent, callbacks: [recording] },
  );
  return { ...app, recording, agents: app.module.get(AgentService) };
}

describe('An agent', () => {
  it('answers without tools in one turn', async () => {
    const { agents, recording, fake } = await agentApp(['Hello!'], { persona: 'Be kind.' });
    const result = await agents.run('Greet me');
    expect(result).toMatchObject({ output: 'Hello!', finishReason: 'stop' });
    expect(result.messages).toEqual([
      { role: 'user', content: 'Greet me' },
      { role: 'assistant', content: 'Hello!' },
    ]);
    expect(fake.requests[0]).toMatchObject({ system: 'Be kind.' });
    expect(fake.requests[0]).not.toHaveProperty('tools');
    expect(recording.events.map(({ type }) => type)).toEqual([
      'agent.start',
      'llm.start',
      'llm.end',
      'agent.step',
      'agent.end',
    ]);
  });

  it('calls the tools that the model requests and sends their results back', async () => {
    const { agents, fake, recording } = await agentApp([FIND, 'It was sent.']);
    const result = await agents.run('Where is order 42?');
    expect(result.output).toBe('It was sent.');
    expect(fake.requests[0]!.tools!.map(({ name }) => name)).toEqual(['findOrder', 'today']);
    expect(fake.requests[1]!.messages.slice(1)).toMatchObject([
      { role: 'assistant', toolCalls: [{ id: 'c1', name: 'findOrder' }] },
      { role: 'tool', toolCallId: 'c1', content: '{"id":"42","status":"sent"}' },
    ]);
    expect(result.steps).toMatchObject([
      {
        index: 0,
        action: 'tool_calls',
        toolCalls: [{ id: 'c1' }],
        toolResults: [
          { toolCallId: 'c1', toolName: 'findOrder', result: { id: '42', status: 'sent' } },
        ],
      },
      { index: 1, action: 'final', text: 'It was sent.', toolCalls: [], toolResults: [] },
    ]);
    expect(recording.tree()).toEqual([
      {
        kind: 'agent',
        events: ['agent.start', 'agent.step', 'agent.step', 'agent.end'],
        children: [
          { kind: 'llm', events: ['llm.start', 'llm.end'], children: [] },
          { kind: 'tool', events: ['tool.start', 'tool.end'], children: [] },
          { kind: 'llm', events: ['llm.start', 'llm.end'], children: [] },
        ],
      },
    ]);
  });

  it('continues a conversation', async () => {
    const { agents, fake } = await agentApp(['one', 'two']);
    const { messages } = await agents.run('first');
    await agents.run('second', { messages });
    expect(fake.requests[1]!.messages.map(({ content }) => content)).toEqual([
      'first',
      'one',
      'second',
    ]);
  });

  it('passes a signal, ids and context to a tool', async () => {
    let received: ToolContext | undefined;
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      execute: (_args, context) => void (received = context),
    });
    const { agents, recording } = await agentApp(
      [{ toolCalls: [{ id: 'c7', name: 'look' }] }, 'ok'],
      { tools: [look] },
    );
    await agents.run('go', { userId: 'ann', tags: ['t'] });
    const [started] = recording.of('tool.start');
    expect(received).toMatchObject({ toolCallId: 'c7', runId: started!.runId });
    expect(received!.signal).toBeInstanceOf(AbortSignal);
    expect(received!.context).toMatchObject({ userId: 'ann', tags: ['t'] });
    expect(started!.userId).toBe('ann');
  });

  it('fails with the steps so far when it reaches maxSteps', async () => {
    const { agents, recording } = await agentApp([FIND, FIND, FIND], {
      tools: [OrderTools],
      maxSteps: 2,
    });
    const error = await agents.run('loop').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MaxStepsExceededError);
    expect((error as MaxStepsExceededError).steps).toHaveLength(2);
    expect(recording.of('agent.error')[0]).toMatchObject({ error, aborted: false });
    expect(recording.of('agent.error')[0]!.steps).toHaveLength(2);
  });

  it('starts no turn after maxCost is spent, and keeps an answer already paid for', async () => {
    const usage = {
      inputTokens: 1_000_000,
      outputTokens: 0,
      totalTokens: 1_000_000,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      cacheWrite1hTokens: 0,
      reasoningTokens: 0,
      source: 'provider' as const,
    };
    const recording = new RecordingCallbacks();
    const { module } = await startApp(
      { providers: [OrderTools] },
      {
        answers: [{ ...(FIND as object), usage }, 'paid', { text: 'dear', usage }],
        agent: { tools: ['findOrder'], maxCost: 1 },
        prices: { fake: { inputPerMillion: 2, outputPerMillion: 0 } },
        callbacks: [recording],
      },
    );
    const agents = module.get(AgentService);
    await expect(agents.run('go')).rejects.toThrow(BudgetExceededError);
    expect(recording.of('agent.error')[0]).toMatchObject({ cost: 2, usage: { totalTokens: 1e6 } });
    await agents.run('again');
    const { output, cost } = await agents.run('dear');
    expect([output, cost]).toEqual(['dear', 2]);
  });

  it('includes the usage of the calls inside its tools', async () => {
    @Injectable()
    class Inner {
      constructor(private readonly llm: LlmService) {}
      @Tool({ description: 'Asks.' })
      async ask() {
        return (await this.llm.generate('inner')).text;
      }
    }
    const usage = {
      inputTokens: 10,
      outputTokens: 5,
      totalTokens: 15,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      cacheWrite1hTokens: 0,
      reasoningTokens: 0,
      source: 'provider' as const,
    };
    const recording = new RecordingCallbacks();
    const { module } = await startApp(
      { providers: [Inner] },
      {
        answers: [
          { toolCalls: [{ name: 'ask' }], usage },
          { text: 'inner answer', usage },
          { text: 'done', usage },
        ],
        agent: { tools: [Inner] },
        prices: { fake: { inputPerMillion: 1, outputPerMillion: 1 } },
        callbacks: [recording],
      },
    );
    const result = await module.get(AgentService).run('go');
    expect(result.usage.totalTokens).toBe(45);
    expect(result.cost).toBeCloseTo(45e-6, 12);
    expect(result.steps.map((step) => step.usage.totalTokens)).toEqual([30, 15]);
    expect(recording.of('agent.end')[0]!.usage).toEqual(result.usage);
  });

  it('of a feature has the feature’s scope and tools', async () => {
    const recording = new RecordingCallbacks();
    const { module } = await startApp(
      {
        providers: [OrderTools],
        imports: [
          CallbacksModule.forFeature({
            name: 'support',
            agent: { persona: 'P', tools: ['today'] },
            callbacks: [recording],
          }),
        ],
      },
      { answers: [{ toolCalls: [{ name: 'today' }] }, 'done'] },
    );
    await module.get<AgentService>(getAgentToken('support')).run('go');
    expect(new Set(recording.events.map(({ scopes }) => scopes.join()))).toEqual(
      new Set(['support']),
    );
    expect(recording.of('agent.start')[0]).toMatchObject({
      agentName: 'support',
      persona: 'P',
      goal: 'go',
    });
    expect(recording.of('agent.start')[0]!.tools.map(({ name }) => name)).toEqual(['today']);
    expect(recording.of('llm.start')).toHaveLength(2);
  });

  it('dispatches all events inside to its own callbacks and those of the run, each once', async () => {
    const own = new RecordingCallbacks();
    const once = new RecordingCallbacks();
    const { agents } = await agentApp([FIND, 'done']);
    const agent = agents.create({ tools: ['findOrder'], callbacks: [own] });
    await agent.run('go', { callbacks: [once] });
    const types = [
      'agent.start',
      'llm.start',
      'llm.end',
      'tool.start',
      'tool.end',
      'agent.step',
      'llm.start',
      'llm.end',
      'agent.step',
      'agent.end',
    ];
    expect(own.events.map(({ type }) => type)).toEqual(types);
    expect(once.events.map(({ type }) => type)).toEqual(types);
  });

  it('works as a tool of another agent, nested in the tool’s run', async () => {
    const { agents, recording, fake } = await agentApp([
      { toolCalls: [{ name: 'clerk', args: { goal: 'find 42' } }] },
      FIND,
      'sent',
      'It was sent.',
    ]);
    const clerk = agents.create({ name: 'clerk', tools: [OrderTools] });
    const boss = agents.create({ tools: [clerk.asTool({ description: 'Finds orders.' })] });
    expect((await boss.run('Where is 42?')).output).toBe('It was sent.');
    expect(fake.requests[1]!.messages).toMatchObject([{ role: 'user', content: 'find 42' }]);
    const [root] = recording.tree();
    expect(root!.children.map(({ kind }) => kind)).toEqual(['llm', 'tool', 'llm']);
    expect(root!.children[1]!.children.map(({ kind }) => kind)).toEqual(['agent']);
  });
});

describe('A tool that fails', () => {
  const broken = (error: unknown) =>
    defineTool({
      name: 'broken',
      description: 'Breaks.',
      execute: () => {
        throw error;
      },
    });
  const CALL: FakeAnswer = { toolCalls: [{ id: 'b', name: 'broken' }] };

  it('sends its error to the model, which may continue', async () => {
    const { agents, fake, recording } = await agentApp([CALL, 'Sorry.'], {
      tools: [broken(new Error('boom'))],
    });
    const { output, steps } = await agents.run('go');
    expect(output).toBe('Sorry.');
    expect(fake.requests[1]!.messages.at(-1)!.content).toContain('boom');
    expect(steps[0]!.toolResults[0]!.error).toMatchObject({ code: 'tool_execution' });
    const [failed] = recording.of('tool.error');
    expect(failed!.error).toBeInstanceOf(ToolExecutionError);
    expect(failed!.error.cause).toEqual(new Error('boom'));
  });

  it('fails the agent with onToolError: fail', async () => {
    const { agents, recording } = await agentApp([CALL], {
      tools: [broken(new Error('boom'))],
      onToolError: 'fail',
    });
    await expect(agents.run('go')).rejects.toThrow('boom');
    expect(recording.of('agent.error')).toHaveLength(1);
  });

  it.each([
    ['a fatal ToolExecutionError', new ToolExecutionError('down', { fatal: true })],
    ['a CallbackAbort', new CallbackAbort('closed')],
  ])('fails the agent with %s', async (_what, error) => {
    const { agents, recording } = await agentApp([CALL], { tools: [broken(error)] });
    await expect(agents.run('go')).rejects.toBe(error);
    expect(recording.of('tool.error')[0]!.error).toBe(error);
    expect(recording.of('agent.error')[0]!.error).toBe(error);
  });

  it('fails the agent with onToolError: fail, also when something inside was aborted', async () => {
    const { agents } = await agentApp([CALL], {
      tools: [broken(new LlmAbortedError('the inner call'))],
      onToolError: 'fail',
    });
    await expect(agents.run('go')).rejects.toThrow('the inner call');
  });

  it('fails the agent if a critical start handler rejects it; the model does not get the reason', async () => {
    const { agents, fake, recording } = await agentApp([FIND, 'ok']);
    const gate = {
      onToolStart() {
        throw new CallbackAbort('secret reason');
      },
    };
    await expect(agents.run('go', { callbacks: [gate] })).rejects.toThrow('secret reason');
    expect(recording.of('tool.error')).toHaveLength(1);
    expect(fake.requests).toHaveLength(1);
  });
});
