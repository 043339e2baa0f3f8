import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  AgentService,
  defineTool,
  type AgentStream,
  type CallbackEvent,
} from 'nestjs-llm-callbacks';
import { OpenRuns } from '../../src/runs/active-run.js';
import {
  errorOf,
  readAll,
  says,
  silence,
  stalled,
  useBench,
  type Bench,
} from '../support/wire/index.js';
import { openai } from '../support/wire/openai.js';

const bench = useBench(openai);
const HOUR_MS = 3_600_000;
const usage = { input: 10, output: 5 };

/** An agent with two concurrent tools, one of which ends when its signal fires, and an answer in three chunks. */
function start(signals: AbortSignal[] = []): AgentStream {
  const quick = defineTool({ name: 'quick', description: 'Is quick.', execute: () => 'here' });
  const stoppable = defineTool({
    name: 'stoppable',
    description: 'Can be stopped.',
    timeoutMs: HOUR_MS,
    execute: (_args, { signal }) => {
      signals.push(signal);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => resolve('late'), 1);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          reject(signal.reason as Error);
        });
      });
    },
  });
  bench.server.answers(
    says(openai, 'stream', {
      toolCalls: [
        { id: 'c1', name: 'quick', argsText: '{}' },
        { id: 'c2', name: 'stoppable', argsText: '{}' },
      ],
      usage,
    }),
    says(openai, 'stream', { text: 'one two three', usage }),
  );
  return bench.app
    .get(AgentService)
    .create({ tools: [quick, stoppable] })
    .stream('go', { timeoutMs: HOUR_MS });
}

function openRuns({ app }: Bench): number {
  return app.get(OpenRuns, { strict: false }).size;
}

/** The pending timers of the library and the SDK. */
function watchTimers(): ReadonlySet<unknown> {
  const pending = new Set<unknown>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  jest.spyOn(globalThis, 'setTimeout').mockImplementation((act: () => void, ms?: number) => {
    const timer = set(() => {
      pending.delete(timer);
      act();
    }, ms);
    pending.add(timer);
    return timer;
  });
  jest.spyOn(globalThis, 'clearTimeout').mockImplementation((timer) => {
    pending.delete(timer);
    clear(timer);
  });
  return pending;
}

describe('An agent stream', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('is cold: nothing happens before it is read', async () => {
    const stream = start();
    await new Promise(setImmediate);
    expect(bench.recording.events).toEqual([]);
    expect(bench.server.exchanges).toEqual([]);
    await stream[Symbol.asyncDispose]();
    await expect(stream.result).rejects.toThrow('disposed');
  });

  it('runs without a consumer when only its result is awaited', async () => {
    const { output } = await start().result;
    expect(output).toBe('one two three');
  });

  it('has one consumer', async () => {
    const stream = start();
    const reading = readAll(stream);
    expect(() => stream[Symbol.asyncIterator]()).toThrow('reader already');
    await reading;
  });

  it('is also an Observable', async () => {
    const types: string[] = [];
    await start()
      .toObservable()
      .forEach(({ type }) => void types.push(type));
    expect(types.at(-1)).toBe('agent.end');
  });

  it('yields the events before an error, then throws the error', async () => {
    bench.server.answers(({ response }) => void response.writeHead(401).end('{}'));
    const read: CallbackEvent[] = [];
    const reading = (async () => {
      for await (const event of bench.app.get(AgentService).stream('go')) read.push(event);
    })();
    const error = await errorOf(reading);
    expect(error).toMatchObject({ code: 'authentication' });
    expect(read.map(({ type }) => type)).toEqual([
      'agent.start',
      'llm.start',
      'llm.error',
      'agent.error',
    ]);
  });

  it('ends in an LlmAbortedError when it is aborted, also while its consumer is idle', async () => {
    bench.server.answers(stalled(openai.opening, openai.text('one')));
    const stream = bench.app.get(AgentService).stream('go');
    const reader = stream[Symbol.asyncIterator]();
    while ((await reader.next()).value?.type !== 'llm.chunk');
    stream.abort('enough');
    expect(await errorOf(stream.result)).toMatchObject({ name: 'AbortError', cause: 'enough' });
    expect(bench.recording.of('agent.error')[0]).toMatchObject({ aborted: true });
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    await reader.return!();
  });

  it('leaves nothing running wherever its consumer stops', async () => {
    const timers = watchTimers();
    const all = await readAll(start());
    expect(all.length).toBeGreaterThan(15);
    for (let stopAt = 0; stopAt < all.length; stopAt++) {
      bench.recording.clear();
      bench.server.exchanges.length = 0;
      const signals: AbortSignal[] = [];
      const stream = start(signals);
      let index = 0;
      for await (const { type } of stream) {
        expect(type).toBe(all[index]!.type);
        if (index++ === stopAt) break;
      }
      expect(openRuns(bench)).toBe(0);
      expect(timers.size).toBe(0);
      for (const exchange of bench.server.exchanges) await exchange.aborted;
      const { finishReason } = await stream.result;
      const last = bench.recording.events.at(-1)!.type;
      expect([stopAt, last, finishReason]).toEqual([
        stopAt,
        'agent.end',
        bench.recording.of('agent.end')[0]!.result.finishReason,
      ]);
      expect(bench.recording.of('agent.error')).toEqual([]);
      // Reads that were never requested.
      bench.server.discardAnswers();
    }
  });

  it('leaves nothing running when its consumer stops some time later', async () => {
    for (let ticks = 0; ticks < 40; ticks++) {
      const stream = start();
      for await (const { type } of stream) {
        if (type !== 'agent.start') continue;
        // Into whatever the agent does meanwhile.
        for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
        break;
      }
      expect(await stream.result).toMatchObject({ finishReason: 'cancelled', output: '' });
      expect(openRuns(bench)).toBe(0);
      bench.server.discardAnswers();
    }
    expect(bench.recording.of('agent.error')).toEqual([]);
  });

  it('stops a structured answer, too', async () => {
    bench.server.answers(silence);
    const schema = { type: 'object' };
    const stream = bench.app.get(AgentService).stream('go', { schema });
    const reader = stream[Symbol.asyncIterator]();
    while ((await reader.next()).value?.type !== 'llm.start');
    const { aborted } = await bench.server.exchange(0);
    await reader.return!();
    expect(await stream.result).toMatchObject({ finishReason: 'cancelled' });
    expect(await aborted).toBe(true);
  });

  it('reports that it was cancelled, with the partial result', async () => {
    const stream = start();
    for await (const event of stream) if (event.type === 'agent.step') break;
    const result = await stream.result;
    expect(result).toMatchObject({ finishReason: 'cancelled', usage: { totalTokens: 15 } });
    expect(result.steps).toHaveLength(1);
  });
});
