import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  UseGuards,
  type CanActivate,
  type Provider,
} from '@nestjs/common';
import {
  AgentService,
  CallbacksService,
  Chain,
  defineTool,
  InterceptAgent,
  InterceptLlm,
  InterceptTool,
  LlmService,
  OnCallbackError,
  OnChainStart,
  OnLlmEnd,
  OnLlmStart,
  OnToolEnd,
  Retrieval,
  Tool,
  type AgentNext,
  type CallbacksModuleOptions,
  type CurrentContext,
  type InterceptedLlmCall,
  type LlmNext,
  type RunEvent,
  type ToolNext,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { always, closeApps, startApp, willClose } from '../support/app.js';
import { MemoryJobQueue } from '../support/memory-job-queue.js';
import { METHODS, readAll } from '../support/wire/index.js';

afterEach(closeApps);

type Seen = Partial<Record<string, CurrentContext | undefined>>;

/** Records what code in many places gets from `current`. */
@Injectable()
class Places {
  readonly seen: Seen = {};
  readonly events: Partial<Record<string, RunEvent>> = {};

  constructor(private readonly callbacks: CallbacksService) {}

  look(place: string, event?: RunEvent) {
    this.seen[place] = this.callbacks.current;
    if (event) this.events[place] = event;
  }

  @OnLlmStart() start(event: RunEvent) {
    this.look('handler', event);
  }
  @OnLlmEnd() async end(event: RunEvent) {
    await Promise.resolve();
    this.look('async handler', event);
    await this.callbacks.run({ tags: ['inner'] }, async () => this.look('run in handler', event));
  }
  @OnLlmEnd({ timeoutMs: 1_000 }) timed(event: RunEvent) {
    this.look('timed handler', event);
  }
  @OnLlmEnd({ background: true }) async later(event: RunEvent) {
    await new Promise(setImmediate);
    this.look('background handler', event);
  }
  @OnToolEnd() tool(event: RunEvent) {
    this.look('tool handler', event);
  }
  @OnChainStart() chain(event: RunEvent) {
    this.look('chain handler', event);
  }
  @OnLlmEnd() fails() {
    throw new Error('on purpose');
  }
  @OnCallbackError() failed(event: RunEvent) {
    this.look('handler of a failure', event);
  }
  @InterceptLlm() async llm({ event }: InterceptedLlmCall, next: LlmNext) {
    this.look('interceptor', event);
    const given = await next();
    this.look('interceptor after next', event);
    return given;
  }
  @InterceptTool() around({ event }: { event: RunEvent }, next: ToolNext) {
    this.look('tool interceptor', event);
    return next();
  }
  @InterceptAgent() agent({ event }: { event: RunEvent }, next: AgentNext) {
    this.look('agent interceptor', event);
    return next();
  }
  @Tool({ description: 'Looks', parameters: { type: 'object', properties: {} } }) peek() {
    this.look('tool');
    return 'seen';
  }
  @Retrieval() async find(_query: string) {
    this.look('retrieval');
    return [];
  }
  @Chain() async work() {
    this.look('chain');
    await this.find('x');
    await this.callbacks.run({ conversationId: 'inner' }, async () => this.look('run in chain'));
  }
}

async function start(options: CallbacksModuleOptions = {}, providers: Provider[] = []) {
  const recording = new RecordingCallbacks();
  const app = await startApp(
    { providers: [Places, ...providers] },
    { callbacks: [recording], answers: always('hello'), ...options },
  );
  const callbacks = app.module.get(CallbacksService);
  return { ...app, recording, callbacks, places: app.module.get(Places) };
}

const ADA = { userId: 'ada', tenantId: 'acme', conversationId: 'c1' };

describe('CallbacksService.current', () => {
  it.each(METHODS)(
    'is the run of the event in handlers and interceptors, by %s',
    async (method) => {
      const { llm, callbacks, places } = await start();
      await callbacks.run(ADA, async () => {
        if (method === 'generate') await llm.generate('Hi', { metadata: { a: 1 } });
        else await readAll(llm.stream('Hi', { metadata: { a: 1 } }));
      });
      await callbacks.flush();
      const names = [
        'handler',
        'async handler',
        'timed handler',
        'background handler',
        'handler of a failure',
        'interceptor',
        'interceptor after next',
      ];
      for (const name of names) {
        const { runId, requestId, traceId } = places.events[name]!;
        expect([name, places.seen[name]]).toEqual([
          name,
          { runId, requestId, traceId, ...ADA, scope: 'default', tags: [], metadata: { a: 1 } },
        ]);
      }
      expect(places.seen['run in handler']).toMatchObject({
        runId: places.events['handler']!.runId,
        tags: ['inner'],
      });
    },
  );

  it('is the run itself in chains, retrievals, and the runs inside them', async () => {
    const { callbacks, places, recording } = await start();
    await callbacks.run(ADA, () => places.work());
    const [chain] = recording.of('chain.start');
    const [retrieval] = recording.of('retrieval.start');
    expect(places.seen).toMatchObject({
      chain: { runId: chain!.runId, ...ADA },
      retrieval: { runId: retrieval!.runId, parentRunId: chain!.runId, ...ADA },
      'chain handler': { runId: chain!.runId },
      'run in chain': { runId: chain!.runId, conversationId: 'inner' },
    });
    expect(places.seen['chain']).not.toHaveProperty('parentRunId');
  });

  it('is deeply frozen', async () => {
    const { callbacks } = await start();
    const tags = ['a'];
    const metadata = { plan: 'gold' };
    callbacks.run({ tags, metadata }, () => {
      const current = callbacks.current!;
      for (const part of [current, current.tags, current.metadata])
        expect(Object.isFrozen(part)).toBe(true);
      expect(current).toMatchObject({ tags, metadata });
      expect(current).not.toHaveProperty('runId');
      expect(current).not.toHaveProperty('userId');
    });
    expect(Object.isFrozen(tags)).toBe(false);
  });

  it('is undefined outside of runs and requests, and after they end', async () => {
    const { callbacks, llm } = await start();
    expect(callbacks.current).toBeUndefined();
    await llm.generate('Hi');
    expect(callbacks.current).toBeUndefined();
    for await (const _ of llm.stream('Hi')) expect(callbacks.current).toBeUndefined();
  });

  it('does not throw on metadata with throwing getters', async () => {
    const { callbacks } = await start();
    const metadata = {
      get plan(): string {
        throw new Error('no');
      },
    };
    callbacks.run({ metadata }, () => {
      expect(callbacks.current!.metadata).toEqual({ plan: '[unreadable]' });
    });
  });

  it('is restored in durable handlers', async () => {
    const queue = new MemoryJobQueue();
    @Injectable()
    class Audit {
      current: CurrentContext | undefined;
      constructor(private readonly callbacks: CallbacksService) {}
      @OnLlmEnd({ background: 'durable', name: 'audit' }) paid() {
        this.current = this.callbacks.current;
      }
    }
    const { llm, module, recording } = await start({ background: { queue } }, [Audit]);
    await llm.generate('Hi', ADA);
    await queue.work();
    const { runId, requestId, traceId } = recording.events[0]!;
    expect(module.get(Audit).current).toEqual({
      runId,
      requestId,
      traceId,
      ...ADA,
      scope: 'default',
      tags: [],
      metadata: {},
    });
  });
});

@Injectable()
class LookingGuard implements CanActivate {
  static seen: unknown;
  constructor(private readonly callbacks: CallbacksService) {}
  canActivate() {
    LookingGuard.seen = this.callbacks.current;
    return true;
  }
}

@Controller()
class Desk {
  seen: (CurrentContext | undefined)[] = [];
  constructor(
    private readonly llm: LlmService,
    private readonly callbacks: CallbacksService,
  ) {}
  @Get('ask') @UseGuards(LookingGuard) async ask() {
    this.seen.push(this.callbacks.current);
    await this.llm.generate('Hi');
    this.seen.push(this.callbacks.current);
    return {};
  }
}

it('CallbacksService.current is the request context in plain code of the request, after guards', async () => {
  const { module } = await startApp(
    { controllers: [Desk] },
    { context: () => ({ tenantId: 'acme' }) },
  );
  const app = willClose(module.createNestApplication());
  await app.listen(0, '127.0.0.1');
  await (await fetch(`${await app.getUrl()}/ask`, { headers: { 'x-request-id': 'r1' } })).text();
  expect(LookingGuard.seen).toBeUndefined();
  const expected = { requestId: 'r1', tenantId: 'acme', route: 'Desk.ask', scope: 'default' };
  const { seen } = app.get(Desk);
  expect(seen).toMatchObject([expected, expected]);
  for (const current of seen) expect(current).not.toHaveProperty('runId');
});

describe('An agent', () => {
  it.each(['run', 'stream'] as const)(
    'has current set to the tool’s run in each of its tools, by %s',
    async (method) => {
      const tool = { toolCalls: [{ id: '1', name: 'peek', args: {} }] };
      const recording = new RecordingCallbacks();
      const { module } = await startApp(
        { providers: [Places] },
        { callbacks: [recording], answers: [tool, 'done'], agent: { tools: ['peek'] } },
      );
      const places = module.get(Places);
      const agent = module.get(AgentService);
      if (method === 'run') await agent.run('Look', ADA);
      else await readAll(agent.stream('Look', ADA));
      const [run] = recording.of('agent.start');
      const [call] = recording.of('tool.start');
      expect(places.seen).toMatchObject({
        tool: { runId: call!.runId, parentRunId: run!.runId, ...ADA },
        'tool interceptor': { runId: call!.runId, ...ADA },
        'tool handler': { runId: call!.runId, ...ADA },
        'agent interceptor': { runId: run!.runId, ...ADA },
      });
    },
  );

  it('passes its conversation id to all runs inside', async () => {
    const tool = { toolCalls: [{ id: '1', name: 'look', args: {} }] };
    const look = defineTool({
      name: 'look',
      description: 'Looks',
      parameters: { type: 'object', properties: {} },
      execute: (_args: unknown, { context }) => context.conversationId,
    });
    const recording = new RecordingCallbacks();
    const { module } = await startApp(
      {},
      { callbacks: [recording], answers: [tool, 'done'], agent: { tools: [look] } },
    );
    const { messages } = await module.get(AgentService).run('Look', { conversationId: 'c1' });
    expect(JSON.stringify(messages)).toContain('c1');
    expect(new Set(recording.events.map(({ conversationId }) => conversationId))).toEqual(
      new Set(['c1']),
    );
    for (const event of recording.events) {
      const names = Object.keys(event.toJSON());
      expect(names.slice(names.indexOf('traceId'))).toEqual(
        expect.arrayContaining(['conversationId']),
      );
    }
  });
});
