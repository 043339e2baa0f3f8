import { request } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Sse } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  AgentEndEvent,
  AgentErrorEvent,
  AgentService,
  CallbacksService,
  defineTool,
  LlmService,
  OnAgentEnd,
  OnAgentError,
  SchemaValidationError,
  Tool,
  type AgentOptions,
  type EventType,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { map } from 'rxjs';
import { z } from 'zod';
import { closeApps, startApp } from '../support/app.js';
import { defer, errorOf, silence, stalled, useBench } from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';

afterEach(closeApps);

const CALL: FakeAnswer = { toolCalls: [{ id: 'c1', name: 'look' }] };
const look = defineTool({ name: 'look', description: 'Looks.', execute: () => 'seen' });

async function start(answers: FakeAnswer[], agent: AgentOptions = { tools: [look] }) {
  const recording = new RecordingCallbacks();
  const app = await startApp({}, { answers, agent, callbacks: [recording] });
  return {
    ...app,
    recording,
    agent: app.module.get(AgentService),
    callbacks: app.module.get(CallbacksService),
  };
}

describe('A critical handler of an agent run', () => {
  it.each<[EventType, EventType[]]>([
    ['agent.start', ['agent.start', 'agent.error']],
    ['llm.start', ['agent.start', 'llm.start', 'llm.error', 'agent.error']],
    ['agent.step', ['agent.start', 'llm.start', 'llm.end', 'agent.step', 'agent.error']],
    ['agent.end', ['agent.start', 'llm.start', 'llm.end', 'agent.step', 'agent.end']],
  ])('of %s passes its own error to the caller, and the run ends once', async (type, expected) => {
    const { agent, callbacks, recording } = await start(['done']);
    const error = new Error('not like this');
    const fail = () => {
      throw error;
    };
    callbacks.on(type, fail, { critical: true });
    expect(await errorOf(agent.run('go'))).toBe(error);
    expect(recording.events.map((event) => event.type)).toEqual(expected);
  });
});

describe('An agent', () => {
  it('that is aborted before it starts sends no request', async () => {
    const { agent, fake, recording } = await start(['done']);
    const running = agent.run('go', { signal: AbortSignal.abort('no') });
    expect(await errorOf(running)).toMatchObject({ name: 'AbortError', cause: 'no' });
    expect(fake.requests).toEqual([]);
    expect(recording.events.map(({ type }) => type)).toEqual(['agent.start', 'agent.error']);
  });

  it('rejects an empty goal and a negative timeout before any event', async () => {
    const { agent, recording } = await start(['done']);
    await expect(agent.run(' ')).rejects.toThrow('The goal is empty');
    await expect(agent.run('go', { timeoutMs: -1 })).rejects.toThrow('timeoutMs');
    await expect(agent.stream(' ').result).rejects.toThrow('The goal is empty');
    expect(recording.events).toEqual([]);
  });

  it('fails with the error of its model, which is emitted once on each run', async () => {
    const { agent, recording } = await start([CALL, new Error('down')]);
    const error = await errorOf(agent.run('go'));
    expect(error).toMatchObject({ code: 'server_error' });
    expect(recording.of('agent.error')[0]).toMatchObject({ error, steps: [{ index: 0 }] });
  });

  it('returns an answer that matches the schema, after a repair if needed', async () => {
    const { agent, fake } = await start([CALL, '{"count": "two"}', '{"count": 2}']);
    const schema = z.object({ count: z.number() });
    const { object, output } = await agent.run('Count', { schema });
    expect(object).toEqual({ count: 2 });
    expect(output).toBe('{"count": 2}');
    expect(fake.requests).toHaveLength(3);
  });

  it('fails when the answer does not match the schema', async () => {
    const { agent } = await start(['two', 'still two']);
    const running = agent.run('Count', { schema: z.object({ count: z.number() }) });
    await expect(running).rejects.toThrow(SchemaValidationError);
  });

  it('is nested in a chain, and has retrievals in its tools', async () => {
    const { module, callbacks, recording } = await start([CALL, 'done'], {});
    const search = defineTool({
      name: 'look',
      description: 'Looks.',
      execute: () => callbacks.retrieval('where?', () => ['there'], 'shelf'),
    });
    const agent = module.get(AgentService).create({ tools: [search] });
    await callbacks.chain('answer', 'go', () => agent.run('go'));
    const [chain] = recording.tree();
    expect(chain).toMatchObject({
      kind: 'chain',
      children: [
        {
          kind: 'agent',
          children: [{ kind: 'llm' }, { kind: 'tool', children: [{ kind: 'retrieval' }] }, {}],
        },
      ],
    });
  });

  it('started by a handler is a root run', async () => {
    const { agent, callbacks, recording } = await start(['outer', 'inner']);
    const remove = callbacks.on('agent.end', async function afterwards() {
      remove();
      await agent.run('again');
    });
    await agent.run('go');
    const [, inner] = recording.of('agent.start');
    expect(inner).toMatchObject({
      parentRunId: undefined,
      fromCallback: { handler: 'afterwards' },
    });
  });

  it('is awaited at shutdown', async () => {
    const answer = defer<void>();
    const { agent, module, recording } = await start([CALL, 'done'], {
      tools: [{ ...look, execute: () => answer.promise }],
    });
    const running = agent.run('go');
    const closing = module.close();
    answer.resolve();
    await closing;
    expect((await running).output).toBe('done');
    expect(recording.events.at(-1)!.type).toBe('agent.end');
  });

  it('is aborted when it exceeds the shutdown deadline', async () => {
    const recording = new RecordingCallbacks();
    const stuck = defineTool({
      name: 'look',
      description: 'Looks.',
      execute: (_args, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
    });
    const { module } = await startApp(
      {},
      {
        answers: [CALL],
        agent: { tools: [stuck] },
        callbacks: [recording],
        background: { drainMs: 5 },
      },
    );
    const running = errorOf(module.get(AgentService).run('go'));
    await module.close();
    expect(await running).toMatchObject({ name: 'AbortError' });
    expect(recording.of('agent.error')[0]).toMatchObject({ aborted: true });
  });

  it('has the tools of lazily loaded modules', async () => {
    class LateTools {
      @Tool({ description: 'Looks.' })
      look() {
        return 'late';
      }
    }
    class LateModule {}
    const { module } = await start([CALL, 'done'], {});
    await module.get(LazyModuleLoader).load(() => ({ module: LateModule, providers: [LateTools] }));
    const { steps } = await module
      .get(AgentService)
      .create({ tools: ['look'] })
      .run('go');
    expect(steps[0]!.toolResults[0]!.result).toBe('late');
  });

  it('without a model fails with a clear error when it is run', async () => {
    const { module } = await startApp({}, { llm: undefined as never });
    await expect(module.get(AgentService).run('go')).rejects.toThrow('has no model');
    expect(module.get(LlmService)).toBeDefined();
  });
});

/** Settles with the terminal event of the test's only agent. */
@Injectable()
class Terminal {
  readonly event = defer<AgentEndEvent | AgentErrorEvent>();

  @OnAgentEnd()
  @OnAgentError()
  ended(event: AgentEndEvent | AgentErrorEvent): void {
    this.event.resolve(event);
  }
}

@Controller()
class Desk {
  constructor(private readonly agents: AgentService) {}

  @Get('answer')
  async answer(): Promise<string> {
    return (await this.agents.run('Hi')).output;
  }

  @Sse('stream')
  stream() {
    return this.agents
      .stream('Hi')
      .toObservable()
      .pipe(map(({ type }) => ({ data: type })));
  }
}

describe('An HTTP client that disconnects', () => {
  const bench = useBench(openai, {
    http: () => new ExpressAdapter(),
    controllers: [Desk],
    providers: [Terminal],
  });
  const terminal = () => bench.app.get(Terminal).event.promise;

  it('aborts an agent that was run', async () => {
    bench.server.answers(silence);
    const client = request(`${await bench.url}/answer`).end();
    client.on('error', () => undefined);
    const { aborted } = await bench.server.exchange(0);
    client.destroy();
    expect(await terminal()).toMatchObject({ type: 'agent.error', aborted: true });
    expect(await aborted).toBe(true);
  });

  it('cancels an agent that was streamed', async () => {
    bench.server.answers(stalled(openai.opening, openai.text('Hello')));
    const client = request(`${await bench.url}/stream`).end();
    client.on('error', () => undefined);
    const { aborted } = await bench.server.exchange(0);
    client.destroy();
    expect(await terminal()).toMatchObject({
      type: 'agent.end',
      result: { finishReason: 'cancelled' },
    });
    expect(await aborted).toBe(true);
  });
});
