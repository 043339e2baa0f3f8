import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, type ExecutionContext } from '@nestjs/common';
import {
  AgentService,
  CallbacksModule,
  CostTracker,
  MemoryLimitStore,
  Tool,
  ToolExecutionError,
  type PendingRun,
} from 'nestjs-llm-callbacks';
import { FakeLlm, RecordingCallbacks, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import {
  DeskController,
  PendingRuns,
  WaitingRuns,
  supervised,
  withApprovals,
} from './examples/agents/approval.js';
import { AppModule, Desk, OrderService, OrderTools } from './examples/agents/desk.js';
import { introduce, newsroom, play } from './examples/agents/made.js';
import { AgentMonitor } from './examples/agents/monitor.js';
import { ChatController, watch } from './examples/agents/streams.js';
import { Stock, StockTools } from './examples/agents/tool-errors.js';
import { around, closeAll, listen, logged, serve, start } from './start.js';

const REFUND: FakeAnswer = {
  toolCalls: [{ id: 'r1', name: 'refund', args: { id: '42', dollars: 80 } }],
};

/** In place of the application's guard and its `context`. */
function authenticate(
  request: { headers: Record<string, string>; user?: { id: string; tenant: string } },
  _response: unknown,
  next: () => void,
): void {
  request.user = { id: request.headers['x-user']!, tenant: 'acme' };
  next();
}

function signedIn(host: ExecutionContext) {
  return { userId: host.switchToHttp().getRequest<{ user: { id: string } }>().user.id };
}

afterEach(async () => {
  jest.restoreAllMocks();
  await closeAll();
});

describe('The example of an agent', () => {
  it('calls the tools of a feature', async () => {
    const app = await start({ imports: [AppModule] });

    expect(await app.get(Desk).answer('Where is order 42?', 'ada')).toEqual({
      output: 'Order 42 was sent.',
      turns: 2,
      cost: null,
    });
  });

  it('emits events turn by turn', async () => {
    const call: FakeAnswer = { toolCalls: [{ name: 'findOrder', args: { id: 42 } }] };
    const app = await start({
      imports: [around([call, 'It was sent.'], { agent: { tools: [OrderTools] } })],
      providers: [OrderService, OrderTools, AgentMonitor],
    });

    await app.get(AgentService).run('Where is order 42?');

    expect(logged).toEqual([
      'findOrder: ToolArgumentsError',
      'turn 1: findOrder',
      'turn 2: answers',
      expect.stringMatching(/^agent\.end after 2 turns and \d+ tokens$/),
    ]);
  });

  it('has functions as tools', async () => {
    const throwing: FakeAnswer = { toolCalls: [{ name: 'throw_dice', args: { count: 3 } }] };
    const app = await start({ imports: [around([throwing, 'They make 9.'])] });

    const { steps } = await play(app.get(AgentService));

    expect(steps[0]?.toolResults[0]?.result).toHaveLength(3);
  });

  it('continues a conversation', async () => {
    const fake = new FakeLlm(['Hello.', 'Bye.']);
    const app = await start({
      imports: [around([], { llm: { provider: fake, model: 'fake' } })],
    });

    await introduce(app.get(AgentService));

    expect(fake.requests[1]?.messages.map(({ content }) => content)).toEqual([
      'I am Ada.',
      'Hello.',
      'Who am I?',
    ]);
  });

  it('is a tool of another agent', async () => {
    @Injectable()
    class Archive {
      @Tool({ description: 'Searches the archive.' })
      searchArchive() {
        return 'The bridge opened in 1932.';
      }
    }
    const recording = new RecordingCallbacks();
    const app = await start({
      imports: [
        around(
          [
            { toolCalls: [{ name: 'researcher', args: { goal: 'When did it open?' } }] },
            { toolCalls: [{ name: 'searchArchive' }] },
            '1932.',
            'It opened in 1932.',
          ],
          { callbacks: [recording] },
        ),
      ],
      providers: [Archive],
    });

    const { output } = await newsroom(app.get(AgentService)).run('Write about the bridge.');

    expect(output).toBe('It opened in 1932.');
    const [writer] = recording.tree();
    expect(writer?.children[1]).toMatchObject({ kind: 'tool', children: [{ kind: 'agent' }] });
  });
});

describe('The example of a tool', () => {
  const COUNT: FakeAnswer = { toolCalls: [{ name: 'countStock', args: { article: 'lamp' } }] };

  async function agentOf(stock: Stock) {
    const app = await start({
      imports: [around([COUNT, 'We have none.'], { agent: { tools: [StockTools] } })],
      providers: [StockTools, { provide: Stock, useValue: stock }],
    });
    return app.get(AgentService);
  }

  it('that fails sends its error to the model', async () => {
    const agent = await agentOf({ isDown: false, count: () => undefined });

    const { messages } = await agent.run('How many lamps?');

    expect(messages.at(-2)?.content).toBe(
      'Error: The tool "countStock" failed: There is no article "lamp".',
    );
  });

  it('can end the agent', async () => {
    const agent = await agentOf({ isDown: true, count: () => 0 });

    await expect(agent.run('How many lamps?')).rejects.toBeInstanceOf(ToolExecutionError);
  });
});

describe('The example of approval', () => {
  it.each([
    [true, 'Order 42 is paid back.'],
    [false, 'Error: The call was denied: A supervisor said no.'],
  ])('calls approve, which returns %s', async (isFine, result) => {
    const questions: string[] = [];
    const app = await start({
      imports: [around([REFUND, 'Done.'])],
      providers: [OrderService, OrderTools],
    });
    const ask = async (question: string) => {
      questions.push(question);
      return isFine;
    };

    const { messages } = await supervised(app.get(AgentService), { ask }).run('Refund 42', {
      userId: 'ada',
    });

    expect(questions).toEqual(['refund {"id":"42","dollars":80} for ada?']);
    expect(messages.at(-2)?.content).toBe(result);
  });

  it('stores pending runs in one place, also for streams', async () => {
    const saved: PendingRun[] = [];
    const save = async (run: PendingRun) => void saved.push(run);
    const app = await start({
      imports: [around([REFUND], { agent: { tools: [OrderTools] } })],
      providers: [
        { provide: OrderService, useValue: new OrderService() },
        OrderTools,
        WaitingRuns,
        { provide: PendingRuns, useValue: { save } },
      ],
    });

    const { pending } = await app.get(AgentService).stream('Refund 42').result;

    expect(saved).toEqual([pending]);
    expect(pending!.toolCalls).toHaveLength(1);
  });

  it('pauses the run, which is resumed once', async () => {
    const stored = new Map<string, string>();
    const runs: PendingRuns = {
      save: async (run) => void stored.set(run.runId, JSON.stringify(run)),
      find: async (runId, tenant) => {
        const json = stored.get(runId);
        if (json === undefined) return undefined;
        const run = JSON.parse(json) as PendingRun;
        return run.context.tenantId === tenant ? run : undefined;
      },
      remove: async (runId) => void stored.delete(runId),
    };
    const orders = new OrderService();
    const costs = new CostTracker();
    const url = await listen(
      {
        imports: [
          around([REFUND, 'Done.'], { context: signedIn, callbacks: [costs] }),
          CallbacksModule.forFeature({ name: 'support', agent: { tools: [OrderTools] } }),
        ],
        controllers: [DeskController],
        providers: [
          { provide: OrderService, useValue: orders },
          OrderTools,
          { provide: PendingRuns, useValue: runs },
        ],
      },
      (app) => app.use(authenticate),
    );
    const post = async (path: string, body: object, user = 'boss') => {
      const headers = { 'content-type': 'application/json', 'x-user': user };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      const response = await fetch(`${url}/desk${path}`, init);
      return (await response.json()) as { waitsAs?: string; statusCode?: number };
    };

    const asked = await post('', { question: 'Refund 42' }, 'ada');
    expect(asked).toMatchObject({ for: [['refund', { id: '42', dollars: 80 }]] });
    const decision = `/${asked.waitsAs}/decision`;
    expect(await post(decision, { approve: true })).toEqual({ output: 'Done.' });
    expect(await post(decision, { approve: true })).toMatchObject({ statusCode: 404 });
    // Paid to the original user, who is also charged for the rest of the run.
    expect(orders.refunds).toEqual(['42 by ada']);
    expect([...costs.byUser.keys()]).toEqual(['ada']);
  });

  it('signs the pending run if a key is configured', async () => {
    process.env.APPROVALS_KEY = 'k'.repeat(32);
    const app = await start({ imports: [withApprovals(new MemoryLimitStore())] }).finally(() => {
      delete process.env.APPROVALS_KEY;
    });
    const agent = app.get(AgentService);

    await expect(agent.resume({ v: 2 } as PendingRun, {})).rejects.toMatchObject({
      reason: 'unsigned',
    });
  });
});

describe('The example of an agent stream', () => {
  const LOOK: FakeAnswer = { toolCalls: [{ name: 'findOrder', args: { id: '42' } }] };
  const options = { agent: { tools: [OrderTools] } };

  it('yields the events', async () => {
    const lines: unknown[] = [];
    jest.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
    const app = await start({
      imports: [around([LOOK, 'It was sent.'], options)],
      providers: [OrderService, OrderTools],
    });

    const { output } = await watch(app.get(AgentService), 'Where is order 42?');

    expect([...lines, output]).toEqual([
      'findOrder …',
      'turn 1 is done',
      'turn 2 is done',
      'It was sent.',
    ]);
  });

  it('is sent as server-sent events', async () => {
    const url = await serve(around(['It was sent.']), [ChatController]);

    const body = await (await fetch(`${url}/chat?question=where`)).text();

    expect(body.match(/^event: .*$/gm)).toEqual([
      'event: chunk',
      'event: chunk',
      'event: chunk',
      'event: step',
      'event: done',
    ]);
    expect(body.match(/^data: .*$/gm)![0]).toBe('data: {"type":"text","text":"It"}');
  });
});
