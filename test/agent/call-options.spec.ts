import { afterEach, describe, expect, it } from '@jest/globals';
import {
  AgentService,
  CallbacksModule,
  defineTool,
  getAgentToken,
  OnLlmStart,
  type AgentOptions,
  type AgentRunOptions,
  type LlmStartEvent,
} from 'nestjs-llm-callbacks';
import type { FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { closeApps, startApp } from '../support/app.js';
import { HELLO, readAll, says, useBench, WIRES } from '../support/wire/index.js';

afterEach(closeApps);

const look = defineTool({ name: 'look', description: 'Looks.', execute: () => 'seen' });
const refund = defineTool({
  name: 'refund',
  description: 'Pays back.',
  needsApproval: true,
  execute: () => 'done',
});
const LOOK: FakeAnswer = { toolCalls: [{ name: 'look' }] };

async function start(agent: AgentOptions = {}, answers: FakeAnswer[] = ['Done.']) {
  const { module, fake } = await startApp({}, { answers, agent });
  return { agents: module.get(AgentService), fake };
}

const OPTIONS = {
  maxOutputTokens: 900,
  temperature: 0.2,
  stop: ['END'],
  toolChoice: 'none',
  providerOptions: { seed: 1 },
} as const;
const agentOptions = (): AgentOptions => ({ ...OPTIONS, stop: [...OPTIONS.stop], tools: [look] });

describe('Call options of an agent', () => {
  it('from forRoot apply to each turn', async () => {
    const { agents, fake } = await start({ ...agentOptions(), toolChoice: 'auto' }, [
      LOOK,
      'Done.',
    ]);
    await agents.run('Look.');
    expect(fake.requests).toMatchObject([
      { ...OPTIONS, toolChoice: 'auto' },
      { ...OPTIONS, toolChoice: 'auto' },
    ]);
  });

  it('from create() or forFeature() apply to its runs and streams', async () => {
    const imports = [CallbacksModule.forFeature({ name: 'desk', agent: agentOptions() })];
    const { module, fake } = await startApp({ imports });
    await readAll(module.get(AgentService).create(agentOptions()).stream('Look.'));
    const desk = module.get<AgentService>(getAgentToken('desk'), { strict: false });
    await desk.run('Look.');
    expect(fake.requests).toMatchObject([OPTIONS, OPTIONS]);
  });

  it('of the run override those of the agent, one by one', async () => {
    const { agents, fake } = await start(agentOptions());
    await agents.run('Look.', { maxOutputTokens: 700, providerOptions: { user: 'u-1' } });
    expect(fake.requests[0]).toMatchObject({
      ...OPTIONS,
      maxOutputTokens: 700,
      providerOptions: {},
    });
    expect(fake.requests[0]!.providerOptions).toEqual({ user: 'u-1' });
  });

  it('are absent from the request if none are set', async () => {
    const { agents, fake } = await start({ tools: [look] });
    await agents.run('Look.');
    for (const name of Object.keys(OPTIONS)) expect(fake.requests[0]).not.toHaveProperty(name);
  });

  it.each<[AgentRunOptions, string]>([
    [{ maxOutputTokens: 0 }, 'maxOutputTokens must be a whole number above 0'],
    [{ maxOutputTokens: 1.5 }, 'maxOutputTokens must be a whole number above 0'],
    [{ temperature: -1 }, 'temperature must be a number of 0 or more'],
    [{ temperature: Number.NaN }, 'temperature must be a number of 0 or more'],
    [{ stop: 'END' as never }, 'stop must be a list of texts'],
    [{ stop: [1] as never }, 'stop must be a list of texts'],
    [{ toolChoice: 'any' as never }, 'toolChoice must be'],
    [{ toolChoice: {} as never }, 'toolChoice must be'],
    [{ providerOptions: [] as never }, 'providerOptions must be an object'],
    [{ toolChoice: { name: 'fly' } }, 'toolChoice names "fly", which is no tool of the agent'],
  ])('are validated when the agent is created or run: %j', async (options, message) => {
    const refused = {
      name: 'CallbacksConfigurationError',
      message: expect.stringContaining(message),
    };
    const { agents, fake } = await start({ tools: [look] });
    await expect(agents.run('Look.', options)).rejects.toMatchObject(refused);
    await expect(readAll(agents.stream('Look.', options))).rejects.toMatchObject(refused);
    const made = async () => agents.create({ tools: [look], ...options }).run('Look.');
    await expect(made()).rejects.toMatchObject(refused);
    expect(fake.requests).toEqual([]);
  });

  it('give a handler the maximum cost of each turn', async () => {
    const estimates: unknown[] = [];
    class Watcher {
      @OnLlmStart()
      note({ estimate }: LlmStartEvent) {
        estimates.push(estimate.maxCost);
      }
    }
    const prices = { 'fake/fake': { inputPerMillion: 0, outputPerMillion: 1_000 } };
    const agent = { maxOutputTokens: 900 };
    const { module } = await startApp({ providers: [Watcher] }, { agent, prices });
    await module.get(AgentService).run('Look.');
    await module.get(AgentService).run('Look.', { maxOutputTokens: 700 });
    expect(estimates).toEqual([0.9, 0.7]);
  });
});

describe('A tool choice that forces a call', () => {
  it.each([{ toolChoice: 'required' as const }, { toolChoice: { name: 'look' } }])(
    'applies until a turn has called a tool: %j',
    async ({ toolChoice }) => {
      const answers = ['Hm.', LOOK, LOOK, 'Done.'];
      const { agents, fake } = await start({ tools: [look], toolChoice }, answers);
      await agents.run('Look.');
      await agents.run('Look again.');
      expect(fake.requests.map((request) => request.toolChoice)).toEqual([
        toolChoice,
        toolChoice,
        'auto',
        'auto',
      ]);
    },
  );

  it('no longer applies to a resumed run whose turn has called a tool', async () => {
    const asks: FakeAnswer = { toolCalls: [{ id: 'r1', name: 'refund' }] };
    const answers = [asks, 'Done.'];
    const { agents, fake } = await start({ tools: [refund], toolChoice: 'required' }, answers);
    const { pending } = await agents.run('Refund.');
    await agents.resume(pending!, { r1: { approve: true } });
    expect(fake.requests.map(({ toolChoice }) => toolChoice)).toEqual(['required', 'auto']);
  });

  it('is rejected for an agent without tools, and any other choice is omitted', async () => {
    const { agents, fake } = await start();
    await expect(agents.run('Look.', { toolChoice: 'required' })).rejects.toMatchObject({
      name: 'CallbacksConfigurationError',
      message: expect.stringContaining('toolChoice requires a tool; it has none'),
    });
    await agents.run('Look.', { toolChoice: 'none' });
    expect(fake.requests[0]).not.toHaveProperty('toolChoice');
  });
});

describe.each(WIRES)('An agent over $name', (wire) => {
  const limitName = {
    openai: 'max_tokens',
    anthropic: 'max_tokens',
    responses: 'max_output_tokens',
  };
  const bench = useBench(wire);

  it('sends the options of a call', async () => {
    bench.server.answers(says(wire, 'generate', HELLO));
    const providerOptions = { metadata: { user_id: 'u-1' } };
    const options = { maxOutputTokens: 16_000, temperature: 0.2, providerOptions };
    await bench.app.get(AgentService).create(options).run('Look after the trays.');
    expect(bench.server.exchanges[0]!.body).toMatchObject({
      [limitName[wire.name]]: 16_000,
      temperature: 0.2,
      ...providerOptions,
    });
  });
});
