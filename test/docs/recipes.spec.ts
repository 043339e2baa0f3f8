import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  AgentService,
  CallbacksService,
  CostTracker,
  defineTool,
  LlmService,
  type Prices,
} from 'nestjs-llm-callbacks';
import { RecordingCallbacks } from 'nestjs-llm-callbacks/testing';
import { AuditLog, AuditStore } from './examples/recipes/audit-log.js';
import { inOrder, Receipt } from './examples/recipes/chaining.js';
import { ContextAware } from './examples/recipes/context-aware.js';
import { Monitoring } from './examples/recipes/global-callbacks.js';
import { Alarms, ExternalLog, ExternalService } from './examples/recipes/safe-callbacks.js';
import { around, closeAll, logged, start } from './start.js';

/** One dollar per token. */
const PRICES: Prices = { fake: { inputPerMillion: 1_000_000, outputPerMillion: 1_000_000 } };

afterEach(closeAll);

describe('The recipe of audit logging', () => {
  const rows: Record<string, unknown>[] = [];

  it('records the user, the model and the prompt before the call', async () => {
    const app = await start({
      imports: [around(['answer'])],
      providers: [
        AuditLog,
        { provide: AuditStore, useValue: { insert: async (row: never) => void rows.push(row) } },
      ],
    });

    await app.get(LlmService).generate('x'.repeat(200), { userId: 'ada' });

    expect(rows).toMatchObject([
      { event: 'llm_request', userId: 'ada', provider: 'fake', promptPreview: 'x'.repeat(100) },
    ]);
  });

  it('prevents a call that cannot be recorded', async () => {
    const full = new Error('disk full');
    const app = await start({
      imports: [around(['answer'])],
      providers: [
        AuditLog,
        { provide: AuditStore, useValue: { insert: () => Promise.reject(full) } },
      ],
    });

    await expect(app.get(LlmService).generate('hello')).rejects.toBe(full);
  });

  it('records the tool and its arguments, and prevents calls that cannot be recorded', async () => {
    const tools: unknown[] = [];
    const [execute, insert] = [jest.fn(() => 'seen'), jest.fn<AuditStore['insert']>()];
    insert.mockImplementation(async (row) => {
      if (row['event'] !== 'tool_call') return;
      if (tools.push(row['args']) > 1) throw new Error('disk full');
    });
    const call = { toolCalls: [{ name: 'look', args: {} }] };
    const app = await start({
      imports: [around([call, 'done', call, 'done'])],
      providers: [AuditLog, { provide: AuditStore, useValue: { insert } }],
    });
    const look = defineTool({ name: 'look', description: 'Looks.', execute });
    const agent = app.get(AgentService).create({ tools: [look] });

    const [first, second] = [await agent.run('Look!'), await agent.run('Again!')];

    expect(tools).toEqual([{}, {}]);
    expect(execute).toHaveBeenCalledTimes(1);
    expect(first.steps[0]?.toolResults[0]).toMatchObject({ result: 'seen' });
    expect(second.steps[0]?.toolResults[0]?.error).toMatchObject({ message: 'refused' });
  });
});

describe('The recipe of chaining', () => {
  it('calls the list in order, and handlers with a higher order last', async () => {
    const app = await start({ imports: [inOrder] });

    const handlers = app.get(CallbacksService).handlers();
    expect(handlers.map(({ name }) => name.split('.')[0])).toEqual([
      'LoggingCallbacks',
      // LLM calls and embeddings, their ends and errors.
      'CostTracker',
      'CostTracker',
      'CostTracker',
      'CostTracker',
      'Receipt',
      'Receipt',
    ]);
  });

  it('calls one method in the list and the other one last', async () => {
    const receipt = new Receipt();
    const app = await start({ imports: [around(['answer'], { callbacks: [receipt] })] });

    await app.get(LlmService).generate('hello');

    expect(receipt.calls).toEqual(['in list', 'after all others']);
  });
});

describe('The recipe of safe callbacks', () => {
  it('lets the call continue, and raises an alarm', async () => {
    const app = await start({
      imports: [around(['answer'])],
      providers: [
        ExternalLog,
        Alarms,
        {
          provide: ExternalService,
          useValue: { log: () => Promise.reject(new Error('unreachable')) },
        },
      ],
    });

    expect((await app.get(LlmService).generate('hello')).text).toBe('answer');

    expect(app.get(Alarms).raised).toEqual([
      'ExternalLog.log failed on llm.start: Error: unreachable',
    ]);
    expect(logged).toEqual(['ExternalLog.log failed on llm.start: unreachable']);
  });
});

describe('The recipe of global callbacks', () => {
  it('sets them, adds to them and removes them', async () => {
    const replaced = new RecordingCallbacks();
    const app = await start({
      imports: [around(['1', '2', '3'], { callbacks: [replaced], prices: PRICES })],
      providers: [Monitoring],
    });
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const [llm, monitoring] = [app.get(LlmService), app.get(Monitoring)];
    const costs = new CostTracker();

    monitoring.start();
    await llm.generate('one');
    const stop = monitoring.watch(costs);
    await llm.generate('two');
    stop();
    await llm.generate('three');

    expect(replaced.events).toEqual([]);
    expect(costs.requestCount).toBe(1);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(logged.filter((line) => line.startsWith('{"event":"llm.end"'))).toHaveLength(3);
    warn.mockRestore();
  });
});

describe('The recipe of context-aware callbacks', () => {
  it('records the request, the user, the model and the cost', async () => {
    const app = await start({ imports: [around(['answer'])], providers: [ContextAware] });

    await app.get(LlmService).generate('hello', { userId: 'ada' });

    expect(logged[0]).toMatch(/^\[[\w-]{36}\] fake\/fake for ada, trace [\da-f]{32}$/);
    expect(logged[1]).toMatch(/^\[[\w-]{36}\] \d+ ms, \d+ tokens, price unknown$/);
    expect(logged[0]!.slice(0, 38)).toBe(logged[1]!.slice(0, 38));
  });
});
