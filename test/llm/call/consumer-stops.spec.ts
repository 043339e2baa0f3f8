import { describe, expect, it } from '@jest/globals';
import { firstValueFrom, take } from 'rxjs';
import type { LlmStream } from 'nestjs-llm-callbacks';
import { costOf, readAll, readOne, stalled, useBench, WIRES } from '../../support/wire/index.js';

/** How a consumer may stop after the first text chunk. */
const WAYS: [string, (stream: LlmStream) => Promise<unknown>][] = [
  [
    'break',
    async (stream) => {
      for await (const chunk of stream) {
        expect(chunk).toEqual({ type: 'text', text: 'Hello' });
        break;
      }
    },
  ],
  ['break from its text', (stream) => readOne(stream.textStream)],
  [
    'return()',
    async (stream) => {
      const reader = stream[Symbol.asyncIterator]();
      await reader.next();
      expect(await reader.return!()).toEqual({ done: true, value: undefined });
      expect(await reader.next()).toEqual({ done: true, value: undefined });
    },
  ],
  [
    'an error thrown by the loop',
    async (stream) => {
      const loop = async () => {
        for await (const { type } of stream) throw new Error(`enough ${type}`);
      };
      await expect(loop()).rejects.toThrow('enough');
    },
  ],
  ['unsubscribing', (stream) => firstValueFrom(stream.toObservable().pipe(take(1)))],
  [
    'await using',
    async (stream) => {
      await using disposed = stream;
      await disposed[Symbol.asyncIterator]().next();
    },
  ],
];

describe.each(WIRES)('A stream of $name whose consumer stops', (wire) => {
  const bench = useBench(wire);

  it.each(WAYS)('ends as cancelled: %s', async (_way, stop) => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello'), wire.text(', world')));
    const stream = bench.llm.stream('How are you today?');
    const answer = stream.response;
    await stop(stream);

    const response = await answer;
    expect(response).toMatchObject({ text: 'Hello', finishReason: 'cancelled', toolCalls: [] });
    expect(response.usage.source).toBe('estimated');
    expect(response.usage.inputTokens).toBeGreaterThan(0);
    expect(response.usage.outputTokens).toBeGreaterThan(0);
    expect(response.cost).toBeCloseTo(costOf(wire, response.usage), 12);
    expect(bench.costs).toMatchObject({ requestCount: 1, totalCost: response.cost });
    expect(bench.recording.of('llm.end')[0]!.response).toBe(response);
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
  });

  it('ends as cancelled when return() is called while its consumer waits for a chunk', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello')));
    const stream = bench.llm.stream('Hi');
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    const waiting = reader.next();
    await reader.return!();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await stream.response).toMatchObject({ text: 'Hello', finishReason: 'cancelled' });
  });

  it('has emitted its end when return() resolves', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello')));
    const reader = bench.llm.stream('Hi')[Symbol.asyncIterator]();
    await reader.next();
    await reader.return!();
    expect(bench.recording.of('llm.end')).toHaveLength(1);
  });

  it('ends as cancelled before anything has arrived, and costs nothing', async () => {
    bench.server.answers(stalled());
    const stream = bench.llm.stream('Hi');
    const subscription = stream.toObservable().subscribe();
    const { aborted } = await bench.server.exchange(0);
    subscription.unsubscribe();
    const { finishReason, text, usage, cost } = await stream.response;
    expect({ finishReason, text, cost, tokens: usage.totalTokens }).toEqual({
      finishReason: 'cancelled',
      text: '',
      cost: 0,
      tokens: 0,
    });
    expect(await aborted).toBe(true);
  });

  it('sends no request when its consumer stops during a start handler', async () => {
    const stream = bench.llm.stream('Hi', {
      callbacks: [{ onLlmStart: () => new Promise(() => {}) }],
    });
    const reader = stream[Symbol.asyncIterator]();
    const waiting = reader.next();
    await reader.return!();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await stream.response).toMatchObject({
      finishReason: 'cancelled',
      cost: 0,
      attempts: [],
    });
    expect(bench.server.exchanges).toEqual([]);
  });

  it('stays cancelled when it is aborted afterwards', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello')));
    const aborter = new AbortController();
    const stream = bench.llm.stream('Hi', { signal: aborter.signal });
    await readOne(stream);
    aborter.abort(new Error('too late'));
    stream.abort('too late');
    expect(await stream.response).toMatchObject({ finishReason: 'cancelled' });
  });

  it('ignores later reads', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello')));
    const stream = bench.llm.stream('Hi');
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    await reader.return!();
    expect(await readAll(reader)).toEqual([]);
  });
});
