import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import {
  AgentService,
  CallbacksService,
  defineTool,
  InterceptAgent,
  InterceptTool,
  OnToolError,
  type AgentNext,
  type BackgroundOptions,
  type HandlerContext,
  type InterceptedAgentCall,
  type InterceptedToolCall,
  type ToolNext,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, startApp } from '../../support/app.js';
import { Gate, settle } from '../../support/gate.js';
import { logs } from '../../support/logs.js';

afterEach(closeApps);

const inBackground = { background: true } as const;

async function start(background: BackgroundOptions) {
  const recording = new RecordingCallbacks();
  const gone: string[] = [];
  @Injectable()
  class Database implements OnApplicationShutdown, OnModuleDestroy {
    onModuleDestroy() {
      gone.push('begun');
    }
    onApplicationShutdown() {
      gone.push('closed');
    }
  }
  const app = await startApp({ providers: [Database] }, { background, callbacks: [recording] });
  return { ...app, recording, gone, callbacks: app.module.get(CallbacksService) };
}

describe('The shutdown of an application with background handlers', () => {
  it('waits for the handlers', async () => {
    const { llm, module, callbacks, gone } = await start({ concurrency: 1 });
    const gate = new Gate();
    const work = async () => {
      await gate.pass();
      gone.push('worked');
    };
    callbacks.on('*', work, inBackground);
    await llm.generate('hi');
    const closed = module.close();
    await settle();
    gate.open();
    await closed;
    expect(gone).toEqual(['begun', 'worked', 'worked', 'closed']);
    expect(logs).toEqual([]);
  });

  it('waits for the events of the last runs, and for their handlers', async () => {
    const { llm, module, callbacks, recording } = await start({ concurrency: 1 });
    const gate = new Gate();
    callbacks.on('chain.end', () => void llm.generate('afterwards'), inBackground);
    let calls = 0;
    const count = async () => {
      await settle();
      calls++;
    };
    callbacks.on('llm.end', count, inBackground);
    const chain = callbacks.chain('last', 1, () => gate.pass());
    const closed = module.close();
    await settle();
    gate.open();
    await closed;
    await chain;
    expect(recording.of('llm.end')).toHaveLength(1);
    expect(calls).toBe(1);
  });

  it('logs the unfinished handlers at its deadline, fires their signals, and continues', async () => {
    const { llm, module, callbacks, gone } = await start({ concurrency: 1, drainMs: 20 });
    const gate = new Gate();
    let reason: unknown;
    const hang = (_: unknown, { signal }: HandlerContext) => {
      signal.addEventListener('abort', () => void (reason = signal.reason));
      return gate.pass();
    };
    callbacks.on('llm.start', hang, inBackground);
    callbacks.on('llm.end', () => gone.push('called'), inBackground);
    await llm.generate('secret');
    await llm.generate('secret');
    await module.close();
    expect(gone).toEqual(['begun', 'closed']);
    expect(reason).toMatchObject({ name: 'AbortError', code: 'aborted' });
    expect(logs).toEqual([
      {
        level: 'warn',
        message:
          "4 calls of handlers in the background did not end within 20 ms of the shutdown and are left behind: hang (2), callbacks.on('llm.end') (2).",
      },
    ]);
    // Handlers that have not started by then never start.
    gate.open();
    await settle();
    expect(gate.entered).toBe(1);
    expect(gone).toEqual(['begun', 'closed']);
  });

  it('ends a run that waits for room', async () => {
    const { llm, module, callbacks } = await start({ concurrency: 1, queueSize: 0, drainMs: 20 });
    callbacks.on('llm.end', () => new Promise(() => {}), inBackground);
    await llm.generate('hi');
    const waiting = llm.generate('hi');
    await settle();
    await module.close();
    expect((await waiting).text).toBe('hello');
  });

  it('calls background handlers for runs that it aborts', async () => {
    const recording = new RecordingCallbacks();
    const silent = new FakeLlm();
    const asked = new Gate();
    silent.generate = () => asked.pass().then(() => new Promise<never>(() => {}));
    asked.open();
    const { module, llm } = await startApp(
      {},
      {
        callbacks: [recording],
        llm: { provider: silent, model: 'fake' },
        background: { drainMs: 0 },
      },
    );
    const received: unknown[] = [];
    module
      .get(CallbacksService)
      .on('llm.error', ({ aborted }) => received.push(aborted), inBackground);
    const call = llm.generate('hi').catch((error: unknown) => error);
    await asked.reached(1);
    await module.close();
    expect(await call).toMatchObject({ name: 'AbortError' });
    expect(received).toEqual([true]);
  });

  it('aborts the runs of unfinished handlers', async () => {
    const { llm, fake, module, callbacks, recording } = await start({ drainMs: 20 });
    const asked = new Gate();
    const work = async () => {
      fake.generate = () => asked.pass().then(() => new Promise<never>(() => {}));
      asked.open();
      await llm.generate('endless').catch(() => {});
      await new Promise(() => {});
    };
    callbacks.on('llm.end', work, inBackground);
    await llm.generate('hi');
    await asked.reached(1);
    await module.close();
    expect(recording.of('llm.error')).toMatchObject([{ aborted: true }]);
    expect(logs.map(({ message }) => message)).toEqual([
      expect.stringContaining('1 runs did not end'),
      expect.stringContaining('left behind: work.'),
    ]);
  });

  describe('with tools that ignore their signal', () => {
    const drainMs = 50;

    /** Agents, direct and in chains, each with a tool that never ends. */
    async function startStubborn(
      metadata: Parameters<typeof startApp>[0] = {},
      handlers: object[] = [],
    ) {
      const recording = new RecordingCallbacks();
      const use = { toolCalls: [{ id: '1', name: 'stubborn', args: { goal: 'on' } }] };
      const gate = new Gate();
      const execute = () => gate.pass();
      const parameters = { type: 'object', properties: { goal: {} } };
      const stubborn = defineTool({
        name: 'stubborn',
        description: 'Works for ever.',
        parameters,
        execute,
      });
      const { module } = await startApp(metadata, {
        background: { drainMs },
        callbacks: [recording, ...handlers],
        answers: always(use),
      });
      const agent = module.get(AgentService).create({ name: 'clerk', tools: [stubborn] });
      const outer = module
        .get(AgentService)
        .create({ tools: [{ ...agent.asTool(), name: 'stubborn' }] });
      return { module, agent, outer, recording, gate, callbacks: module.get(CallbacksService) };
    }

    /** The state of each run, in the order in which they ended. */
    function endsOf({ events }: RecordingCallbacks): string[] {
      const isEnd = ({ type }: { type: string }) =>
        /^(llm|agent|tool|chain)\.(end|error)$/.test(type);
      return events.filter(isEnd).map(({ type }) => type);
    }

    it('ends each run once, from the inside out, and rejects the waiting callers', async () => {
      const { module, outer, recording, gate, callbacks } = await startStubborn();
      const work = callbacks
        .chain('night', 1, () => outer.run('go'))
        .catch((error: unknown) => error);
      await gate.reached(1);
      await module.close();
      expect(await work).toMatchObject({ name: 'AbortError' });
      expect(endsOf(recording).slice(-5)).toEqual(
        expect.arrayContaining([
          'tool.error',
          'agent.error',
          'tool.error',
          'agent.error',
          'chain.error',
        ]),
      );
      expect(recording.of('tool.error')).toHaveLength(2);
      expect(recording.of('agent.error')).toMatchObject([{ agentName: 'clerk' }, {}]);
      for (const { runId } of recording.events.filter(({ type }) => type.endsWith('.start'))) {
        const ends = recording.events.filter(
          (event) => event.runId === runId && /\.(end|error)$/.test(event.type),
        );
        expect(ends).toHaveLength(1);
      }
      const inner = recording.of('tool.error')[0]!;
      expect(inner).toMatchObject({ aborted: true, detached: undefined });
      // Their later results are ignored.
      const before = recording.events.length;
      gate.open();
      await settle();
      expect(recording.events).toHaveLength(before);
    });

    it('ends them also inside interceptors, and with an end handler that hangs', async () => {
      @Injectable()
      class Around {
        @InterceptTool() async tool(_: InterceptedToolCall, next: ToolNext) {
          try {
            return await next();
          } finally {
            await new Promise(() => {});
          }
        }
        @InterceptAgent() async agent(_: InterceptedAgentCall, next: AgentNext) {
          return next();
        }
        @OnToolError() hang() {
          return new Promise(() => {});
        }
      }
      const { module, agent, recording, gate } = await startStubborn({ providers: [Around] });
      const run = agent.run('go').catch((error: unknown) => error);
      await gate.reached(1);
      await module.close();
      expect(await run).toMatchObject({ name: 'AbortError' });
      expect(recording.of('tool.error')).toHaveLength(1);
      expect(recording.of('agent.error')).toHaveLength(1);
    });

    it('ends agent streams, and those whose model does not answer', async () => {
      const { module, agent, recording, gate } = await startStubborn();
      const types: string[] = [];
      const reading = (async () => {
        for await (const { type } of agent.stream('go')) types.push(type);
      })().catch((error: unknown) => error);
      await gate.reached(1);
      await module.close();
      expect(await reading).toMatchObject({ name: 'AbortError' });
      expect(types.slice(-2)).toEqual(['tool.error', 'agent.error']);
      expect(recording.of('agent.error')).toHaveLength(1);
    });
  });
});
