import { describe, expect, it } from '@jest/globals';
import { AgentService, defineTool, type Agent } from 'nestjs-llm-callbacks';
import { defer, readAll, says, useBench, WIRES, type Method } from '../support/wire/index.js';

const usage = { input: 100, output: 10 };
const call = (id: string, name: string, args: object = {}) => ({
  id,
  name,
  argsText: JSON.stringify(args),
});

/** Every event of the run, in order, with its parent runs. */
const EVENTS = [
  'agent.start',
  'agent > llm.start',
  'agent > llm.end',
  'agent > slow.start',
  'agent > broken.start',
  'agent > broken.error',
  'agent > slow.end',
  'agent.step',
  'agent > llm.start',
  'agent > llm.end',
  'agent > clerk.start',
  'agent > clerk > agent.start',
  'agent > clerk > agent > llm.start',
  'agent > clerk > agent > llm.end',
  'agent > clerk > agent.step',
  'agent > clerk > agent.end',
  'agent > clerk.end',
  'agent.step',
  'agent > llm.start',
  'agent > llm.end',
  'agent.step',
  'agent.end',
];

describe.each(WIRES)('An agent over $name', (wire) => {
  const bench = useBench(wire);

  /** Two concurrent tools, one of which waits until the other has failed; then an agent as a tool; then the answer. */
  function boss(method: Method): Agent {
    const failed = defer<void>();
    const slow = defineTool({
      name: 'slow',
      description: 'Takes its time.',
      execute: async () => {
        await failed.promise;
        return { found: 1 };
      },
    });
    const broken = defineTool({
      name: 'broken',
      description: 'Breaks.',
      execute: () => {
        setImmediate(() => failed.resolve());
        throw new Error('boom');
      },
    });
    const agents = bench.app.get(AgentService);
    const clerk = agents.create({ name: 'clerk', persona: 'You are a clerk.' });
    const said = [
      { toolCalls: [call('c1', 'slow'), call('c2', 'broken')], usage },
      { toolCalls: [call('c3', 'clerk', { goal: 'Sum up' })], usage },
    ];
    bench.server.answers(
      ...said.map((one) => says(wire, method, one)),
      // The inner agent is run, not streamed.
      says(wire, 'generate', { text: 'One was found.', usage }),
      says(wire, method, { text: 'There is one.', usage }),
    );
    return agents.create({ tools: [slow, broken, clerk.asTool()] });
  }

  function eventsInOrder(): string[] {
    const places = new Map<string, string>();
    return bench.recording.events
      .filter(({ type }) => type !== 'llm.chunk')
      .map((event) => {
        const [kind, phase] = event.type.split('.');
        const name = 'toolName' in event ? event.toolName : kind!;
        const parent = event.parentRunId === undefined ? '' : `${places.get(event.parentRunId)} > `;
        places.set(event.runId, `${parent}${name}`);
        return `${parent}${name}.${phase}`;
      });
  }

  it('emits its events from start to end, with everything inside', async () => {
    const result = await boss('generate').run('How many are there?');
    expect(eventsInOrder()).toEqual(EVENTS);
    expect(result).toMatchObject({
      output: 'There is one.',
      usage: { inputTokens: 400, outputTokens: 40, source: 'provider' },
    });
    expect(result.cost).toBeCloseTo(bench.costs.totalCost, 12);
    expect(result.steps.map(({ toolResults }) => toolResults)).toEqual([
      [
        { toolCallId: 'c1', toolName: 'slow', result: { found: 1 } },
        {
          toolCallId: 'c2',
          toolName: 'broken',
          error: { message: 'The tool "broken" failed: boom', code: 'tool_execution' },
        },
      ],
      [{ toolCallId: 'c3', toolName: 'clerk', result: 'One was found.' }],
      [],
    ]);
  });

  it('emits the same events when it is streamed', async () => {
    const stream = boss('stream').stream('How many are there?');
    const read = await readAll(stream);
    expect(eventsInOrder()).toEqual(EVENTS);
    expect(read).toEqual(bench.recording.events);
    expect(read.some(({ type }) => type === 'llm.chunk')).toBe(true);
    expect((await stream.result).output).toBe('There is one.');
  });

  it('sends the results back in the order of the calls', async () => {
    await boss('generate').run('How many are there?');
    const sent = JSON.stringify(bench.server.exchanges[1]!.body);
    expect(sent.indexOf('c1')).toBeGreaterThan(0);
    expect(sent.lastIndexOf('c1')).toBeLessThan(sent.lastIndexOf('c2'));
    expect(sent).toContain('boom');
  });
});
