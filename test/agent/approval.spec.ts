import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  AgentService,
  defineTool,
  PendingRunError,
  type AgentOptions,
  type AgentResult,
  type ApprovalDecision,
  type ToolDefinition,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { z } from 'zod';
import { closeApps, startApp } from '../support/app.js';
import { compileLibrary } from '../support/second-process/compile.js';

afterEach(closeApps);

const look = defineTool({ name: 'look', description: 'Looks.', execute: () => 'seen' });

function refundTool(more: Partial<ToolDefinition<{ order: string }>> = {}) {
  return defineTool({
    name: 'refund',
    description: 'Pays back.',
    parameters: z.object({ order: z.string() }),
    needsApproval: true,
    execute: ({ order }) => `refunded ${order}`,
    ...more,
  });
}

const ASKS: FakeAnswer = {
  text: 'Let me see.',
  toolCalls: [
    { id: 'r1', name: 'refund', args: { order: '42' } },
    { id: 'l1', name: 'look' },
  ],
};

async function start(agent: AgentOptions = {}, answers: FakeAnswer[] = [ASKS, 'Done.']) {
  const recording = new RecordingCallbacks();
  const { module, fake } = await startApp(
    {},
    { answers, agent: { tools: [refundTool(), look], ...agent }, callbacks: [recording] },
  );
  return { agent: module.get(AgentService), fake, recording };
}

function approvals(recording: RecordingCallbacks) {
  return recording.events.flatMap((event) =>
    'toolName' in event && event.toolName === 'refund' ? [[event.type, event.approval]] : [],
  );
}

describe('A tool call that needs approval', () => {
  it('pauses the agent without an approve function; the other calls of the turn run', async () => {
    const { agent, recording } = await start();
    const result = await agent.run('Refund 42');
    expect(result).toMatchObject({ output: '', steps: [], pending: { v: 2, goal: 'Refund 42' } });
    expect(result.pending!.runId).toBe(result.runId);
    expect(result.pending!.toolCalls).toEqual([
      { id: 'r1', name: 'refund', args: { order: '42' }, argsText: '{"order":"42"}' },
    ]);
    expect(result.pending!.turn.settled).toMatchObject([{ toolCallId: 'l1', result: 'seen' }]);
    expect(approvals(recording)).toEqual([
      ['tool.start', { status: 'pending' }],
      ['tool.end', { status: 'pending' }],
    ]);
    expect(recording.events.at(-1)!.type).toBe('agent.end');
  });

  it('runs when approve returns true, and approve gets the details of the call', async () => {
    const approve = jest.fn<NonNullable<AgentOptions['approve']>>(() => ({
      approve: true,
      reason: 'fine',
    }));
    const { agent, fake, recording } = await start({ approve });
    expect((await agent.run('Refund 42', { userId: 'ann' })).output).toBe('Done.');
    expect(approve).toHaveBeenCalledTimes(1);
    expect(approve.mock.calls[0]).toMatchObject([
      { id: 'r1', name: 'refund', args: { order: '42' } },
      { toolCallId: 'r1', context: { userId: 'ann' } },
    ]);
    expect(fake.requests[1]!.messages.slice(-2).map(({ content }) => content)).toEqual([
      'refunded 42',
      'seen',
    ]);
    expect(approvals(recording)).toEqual([
      ['tool.start', { status: 'pending' }],
      ['tool.end', { status: 'approved', reason: 'fine' }],
    ]);
  });

  it('does not run when approve denies it; the model gets the reason', async () => {
    const execute = jest.fn(() => 'never');
    const { agent, fake, recording } = await start({
      tools: [refundTool({ execute }), look],
      approve: () => ({ approve: false, reason: 'too much' }),
      onToolError: 'fail',
    });
    await agent.run('Refund 42');
    expect(execute).not.toHaveBeenCalled();
    expect(fake.requests[1]!.messages.at(-2)!.content).toContain('denied: too much');
    expect(approvals(recording)).toEqual([
      ['tool.start', { status: 'pending' }],
      ['tool.error', { status: 'denied', reason: 'too much' }],
    ]);
  });

  it('can run with other arguments from approve, which are validated too', async () => {
    const decisions: ApprovalDecision[] = [
      { approve: true, args: { order: '7' } },
      { approve: true, args: { order: 7 } },
    ];
    const { agent, fake } = await start({ approve: () => decisions.shift()! }, [
      ASKS,
      'Done.',
      ASKS,
      'Done.',
    ]);
    await agent.run('Refund 42');
    expect(fake.requests[1]!.messages.at(-2)!.content).toBe('refunded 7');
    await agent.run('Refund 42');
    expect(fake.requests[3]!.messages.at(-2)!.content).toContain('do not fit');
  });

  it('is rejected with arguments of a decision that do not match, and keeps waiting', async () => {
    const { agent, recording } = await start({});
    const { pending } = await agent.run('Refund 42');
    const before = recording.events.length;

    const wrong = agent.resume(pending!, { r1: { approve: true, args: { order: 7 } } });
    await expect(wrong).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('the decision on "r1" has other arguments'),
    });
    expect(recording.events).toHaveLength(before);

    const right = await agent.resume(pending!, { r1: { approve: true, args: { order: '7' } } });
    expect(right.output).toBe('Done.');
  });

  it('fails the agent when approve returns an invalid decision', async () => {
    const { agent } = await start({ approve: () => undefined as never });
    await expect(agent.run('Refund 42')).rejects.toThrow('approve must answer');
  });

  it('is no longer awaited when the agent is aborted', async () => {
    const controller = new AbortController();
    const { agent, recording } = await start({
      approve: () => {
        setImmediate(() => controller.abort('enough'));
        return new Promise(() => undefined);
      },
    });
    const running = agent.run('Refund 42', { signal: controller.signal });
    await expect(running).rejects.toMatchObject({ name: 'AbortError', cause: 'enough' });
    expect(recording.of('tool.error')[0]).toMatchObject({ toolName: 'refund', aborted: true });
  });

  it('pauses the agent when approve returns "pending"', async () => {
    const { agent } = await start({ approve: () => 'pending' });
    expect((await agent.run('Refund 42')).pending!.toolCalls).toHaveLength(1);
  });

  it('can depend on its arguments', async () => {
    const needsApproval = ({ order }: { order: string }) => order === '42';
    const { agent } = await start({ tools: [refundTool({ needsApproval }), look] }, [
      { toolCalls: [{ name: 'refund', args: { order: '7' } }] },
      'Done.',
      ASKS,
    ]);
    expect((await agent.run('Refund 7')).pending).toBeUndefined();
    expect((await agent.run('Refund 42')).pending).toBeDefined();
  });

  it('does not call approve if its arguments are invalid', async () => {
    const approve = jest.fn<NonNullable<AgentOptions['approve']>>();
    const { agent } = await start({ approve }, [
      { toolCalls: [{ name: 'refund', args: { order: 7 } }] },
      'Done.',
    ]);
    await agent.run('Refund 7');
    expect(approve).not.toHaveBeenCalled();
  });

  it('inside a nested agent needs an approve function of that agent', async () => {
    const { agent: clerk } = await start({}, [ASKS]);
    const { agent } = await start({}, [{ toolCalls: [{ name: 'clerk', args: { goal: 'go' } }] }]);
    const running = agent.create({ tools: [clerk.asTool({ name: 'clerk' })] }).run('go');
    await expect(running).rejects.toThrow('give it an approve function');
  });
});

describe('A paused agent', () => {
  const DECISION = { r1: { approve: true } };

  async function paused(): Promise<AgentResult> {
    const { agent } = await start();
    return agent.run('Refund 42');
  }

  it('completes in a second process, from its JSON, as if it had never been paused', async () => {
    const library = await compileLibrary();
    try {
      const script = join(process.cwd(), 'test/support/second-process/resume-agent.mjs');
      const other = fork(script, [library.folder], { execArgv: [] });
      const { pending } = await paused();
      other.send({
        pending: JSON.parse(JSON.stringify(pending)) as unknown,
        decisions: DECISION,
        answers: ['Done.'],
      });
      const [[{ result }]] = (await Promise.all([once(other, 'message'), once(other, 'exit')])) as [
        [{ result: AgentResult }],
        unknown,
      ];
      const { agent } = await start({ approve: () => ({ approve: true }) });
      const never = await agent.run('Refund 42');
      expect(result.output).toBe('Done.');
      expect(result.messages).toEqual(JSON.parse(JSON.stringify(never.messages)));
      const calls = ({ steps }: AgentResult) => steps.map((step) => step.toolResults);
      expect(calls(result)).toEqual(calls(never));
      expect(result.usage.outputTokens).toBe(never.usage.outputTokens);
    } finally {
      library.remove();
    }
  });

  it('reports the decision on the events of the tool', async () => {
    const { pending } = await paused();
    const { agent, recording } = await start({}, ['Done.']);
    await agent.resume(pending!, { r1: { approve: false, reason: 'no' } });
    expect(approvals(recording)).toEqual([
      ['tool.start', { status: 'denied', reason: 'no' }],
      ['tool.error', { status: 'denied', reason: 'no' }],
    ]);
  });

  it('keeps waiting for the undecided calls', async () => {
    const both: FakeAnswer = {
      toolCalls: [
        { id: 'r1', name: 'refund', args: { order: '1' } },
        { id: 'r2', name: 'refund', args: { order: '2' } },
      ],
    };
    const { agent } = await start({}, [both, 'Done.']);
    const first = await agent.run('Refund all');
    expect(first.pending!.toolCalls.map(({ id }) => id)).toEqual(['r1', 'r2']);
    const second = await agent.resume(first.pending!, { r2: { approve: true } });
    expect(second.pending!.toolCalls.map(({ id }) => id)).toEqual(['r1']);
    const third = await agent.resume(second.pending!, { r1: { approve: true } });
    expect(third.steps[0]!.toolResults.map(({ result }) => result)).toEqual([
      'refunded 1',
      'refunded 2',
    ]);
  });

  it.each([
    ['another version', { v: 3 }, {}, /version is 3/],
    ['nothing', undefined, {}, /version is undefined/],
    ['missing parts', { v: 1, goal: 'go' }, {}, /parts of it are missing/],
    ['missing parts of version 2', { v: 2, goal: 'go' }, {}, /parts of it are missing/],
  ])('is not resumed from %s', async (_what, pending, decisions, message) => {
    const { agent } = await start();
    const error = await agent
      .resume(pending as never, decisions)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PendingRunError);
    expect(error).toMatchObject({
      code: 'pending_run',
      reason: 'malformed',
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['a call that does not wait', { x: { approve: true } }, /no call with the id "x"/],
    ['no decision', { r1: {} as ApprovalDecision }, /must say approve/],
    ['nothing', { r1: null as never }, /must say approve/],
    ['a reason that is none', { r1: { approve: true, reason: 7 as never } }, /must be a text/],
    ['a prototype', JSON.parse('{"__proto__":{"approve":true}}') as never, /no call with the id/],
  ])('is not resumed with a decision on %s', async (_what, decisions, message) => {
    const { agent } = await start();
    const { pending } = await agent.run('Refund 42');
    await expect(agent.resume(pending!, decisions)).rejects.toThrow(message);
  });

  it('stores images as text, so that it can be serialized as JSON', async () => {
    const { agent } = await start();
    const { pending } = await agent.run('Refund 42', {
      messages: [
        {
          role: 'user',
          content: [{ type: 'image', data: new Uint8Array([1, 2]), mediaType: 'image/png' }],
        },
      ],
    });
    expect(pending!.messages[0]!.content).toEqual([
      { type: 'image', url: 'data:image/png;base64,AQI=' },
    ]);
  });
});
