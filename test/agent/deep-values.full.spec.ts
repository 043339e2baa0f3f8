import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  AgentService,
  defineTool,
  type AgentOptions,
  type Message,
  type PendingRun,
  type ToolDefinition,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import * as z from 'zod';
import { closeApps, startApp } from '../support/app.js';
import { doubled, holes, manyToMany, nested, nestedText } from '../support/deep.js';

afterEach(closeApps);

const execute = jest.fn<ToolDefinition['execute']>(() => 'ok');
afterEach(() => void execute.mockReset());

const OPEN = { type: 'object' } as const;
const Tree: z.ZodType = z.object({ id: z.unknown(), in: z.lazy(() => Tree).optional() });

async function start(
  answers: FakeAnswer[],
  agent: AgentOptions,
  tool: Partial<ToolDefinition> = {},
) {
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    parameters: OPEN,
    execute,
    ...tool,
  });
  const recording = new RecordingCallbacks();
  const app = await startApp(
    {},
    { answers, agent: { tools: [look], ...agent }, callbacks: [recording] },
  );
  return { ...app, agent: app.module.get(AgentService), recording };
}

function callWith(argsText: string): FakeAnswer {
  return {
    toolCalls: [{ id: 'c1', name: 'look', argsText, args: JSON.parse(argsText) as unknown }],
  };
}

/** The content that the model receives for a tool result. */
async function contentOf(result: unknown): Promise<string> {
  const { agent, fake } = await start([callWith('{}'), 'done'], {}, { execute: () => result });
  expect((await agent.run('go')).output).toBe('done');
  return fake.requests[1]!.messages.at(-1)!.content as string;
}

describe('A tool result', () => {
  it('of 5,000 levels is truncated for the model, and the agent continues', async () => {
    const content = await contentOf({ rows: nested(5_000) });
    expect(content).toContain('[cut: too deep]');
    expect(content.length).toBeLessThan(2_000);
  });

  it.each<[string, unknown]>([
    ['refers to itself many-to-many', manyToMany(6)],
    ['doubles at each level', doubled(60)],
    ['is a list of four thousand million holes', holes(4_000_000_000)],
    ['is a large list', Array.from({ length: 110_000 }, () => 0)],
  ])('that %s is truncated for the model', async (_, result) => {
    expect((await contentOf(result)).length).toBeLessThan(51_000);
  });

  it.each<[string, unknown, string]>([
    [
      'a getter that throws',
      {
        a: 1,
        get b() {
          throw new Error('x');
        },
      },
      '{"a":1,"b":"[unreadable]"}',
    ],
    [
      'a toJSON that throws',
      {
        toJSON: () => {
          throw new Error('x');
        },
      },
      '"[unreadable]"',
    ],
    ['a toJSON of any depth', { toJSON: () => nested(2) }, '[["bottom"]]'],
    ['a cycle and a Map', cyclic(), '{"map":{"a":1},"self":"[Circular]"}'],
    ['a part of a message without text', [{ type: 'text', text: 7 }], '[{"type":"text","text":7}]'],
  ])('with %s is sent to the model', async (_, result, content) => {
    expect(await contentOf(result)).toBe(content);
  });

  it('that is a thrown value without a message is sent to the model as an error', async () => {
    const thrown = Object.create(null) as unknown;
    execute.mockImplementation(() => {
      throw thrown;
    });
    const { agent, fake } = await start([callWith('{}'), 'done'], {});
    await agent.run('go');
    expect(fake.requests[1]!.messages.at(-1)!.content).toContain('an error without a text');
  });
});

describe('Tool arguments', () => {
  it.each([
    ['JSON Schema', OPEN],
    ['recursive zod', Tree],
  ])('that are nested too deep are rejected before %s sees them', async (_, parameters) => {
    for (const levels of [250, 10_000]) {
      const answers = [callWith(nestedText(levels)), 'done'];
      const { agent, fake, recording } = await start(answers, {}, { parameters });
      expect((await agent.run('go')).output).toBe('done');
      expect(fake.requests[1]!.messages.at(-1)!.content).toBe(
        "Error: The arguments do not fit the tool's parameters: they are nested more than 200 levels deep.",
      );
      expect(recording.of('tool.error')[0]!.error).toMatchObject({ code: 'tool_arguments' });
    }
    expect(execute).not.toHaveBeenCalled();
  });

  it('of 150 levels reach the tool', async () => {
    const { agent } = await start([callWith(nestedText(150)), 'done'], {});
    await agent.run('go');
    expect(execute.mock.calls[0]![0]).toEqual(JSON.parse(nestedText(150)));
  });

  it.each<[string, unknown]>([
    ['that refer to themselves', cyclic()],
    ['that are too deep', nested(5_000)],
    ['that double at each level', doubled(60)],
  ])('%s are rejected when an approver returns them', async (_, args) => {
    const { agent, fake } = await start(
      [callWith('{}'), 'done'],
      { approve: () => ({ approve: true, args }) },
      { needsApproval: true },
    );
    expect((await agent.run('go')).output).toBe('done');
    expect(fake.requests[1]!.messages.at(-1)!.content).toMatch(/^Error: The arguments do not fit/);
    expect(execute).not.toHaveBeenCalled();
  });
});

describe('A pending run', () => {
  /** One tool that returns deep values, and one that waits for approval. */
  async function startPaused(before: FakeAnswer[], asks: FakeAnswer, messages: Message[] = []) {
    const results = defineTool({
      name: 'results',
      description: 'Gives much.',
      parameters: OPEN,
      execute: () => ({ deep: nested(5_000), many: manyToMany(6) }),
    });
    const refund = defineTool({
      name: 'refund',
      description: 'Pays back.',
      parameters: OPEN,
      needsApproval: true,
      execute,
    });
    const { agent, fake } = await start([...before, asks, 'done'], { tools: [results, refund] });
    const { pending } = await agent.run('go', { messages });
    const stored = JSON.parse(JSON.stringify(pending)) as PendingRun;
    return { agent, fake, pending: pending!, stored };
  }

  const argsText = nestedText(10_000);
  const deepCall = { name: 'results', argsText, args: JSON.parse(argsText) as unknown };
  const waits = { id: 'w', name: 'refund', args: { order: '42' }, argsText: '{"order":"42"}' };

  it('with deep arguments and results can be stored and resumed; truncated values are marked', async () => {
    const { agent, fake, pending, stored } = await startPaused(
      [{ toolCalls: [{ ...deepCall, id: 'a' }, { name: 'results' }] }],
      { toolCalls: [{ ...deepCall, id: 'b' }, { name: 'results' }, waits] },
    );
    expect(stored).toEqual(pending);
    expect(JSON.stringify(stored.steps)).toContain('[cut: too deep]');
    expect(JSON.stringify(stored.turn)).toContain('[Circular]');
    const [first] = stored.messages[1]!.toolCalls!;
    expect(first).toMatchObject({ argsText, argsError: expect.stringContaining('too deep') });
    expect(stored.toolCalls).toEqual([waits]);
    execute.mockReturnValue('paid');
    expect((await agent.resume(stored, { w: { approve: true } })).output).toBe('done');
    expect(execute.mock.calls[0]![0]).toEqual({ order: '42' });
    expect(fake.requests.at(-1)!.messages.at(-1)!.content).toBe('paid');
  });

  it('does not run a call whose arguments were truncated', async () => {
    const args = { rows: Array.from({ length: 110_000 }, () => 1) };
    const { agent, fake, stored } = await startPaused([], {
      toolCalls: [{ ...waits, args, argsText: JSON.stringify(args) }],
    });
    await agent.resume(stored, { w: { approve: true } });
    expect(execute).not.toHaveBeenCalled();
    expect(fake.requests.at(-1)!.messages.at(-1)!.content).toContain('too large to be stored');
  });

  it('drops a provider block that is too deep, and keeps other blocks whole', async () => {
    const data = (content: unknown) => ({ provider: 'anthropic', content: [content] });
    const turns: Message[] = [data(nested(5_000)), data(nested(20))].flatMap((providerData) => [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: 'y', providerData },
    ]);
    const { agent, stored } = await startPaused([], { toolCalls: [waits] }, turns);
    expect(stored.messages[1]!.providerData).toBe('[cut: too deep]');
    expect(stored.messages[3]!.providerData).toEqual(data(nested(20)));
    expect((await agent.resume(stored, { w: { approve: true } })).output).toBe('done');
  });
});

function cyclic(): object {
  const value: Record<string, unknown> = { map: new Map([['a', 1]]) };
  value['self'] = value;
  return value;
}
