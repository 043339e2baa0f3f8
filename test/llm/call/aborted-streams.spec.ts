import { describe, expect, it } from '@jest/globals';
import { LlmTimeoutError, type LlmStream } from 'nestjs-llm-callbacks';
import { costOf, errorOf, readAll, stalled, useBench, WIRES } from '../../support/wire/index.js';

const REASON = new Error('The user pressed Escape.');

/** How a stream may be aborted from outside after the first text chunk. */
const WAYS: [string, (stream: LlmStream, signal: AbortController) => void][] = [
  ['abort(reason)', (stream) => stream.abort(REASON)],
  ['its signal', (_stream, signal) => signal.abort(REASON)],
];

describe.each(WIRES)('A stream of $name that is aborted half read', (wire) => {
  const bench = useBench(wire);

  it.each(WAYS)('fails with the partial text: %s', async (_way, stop) => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello')));
    const signal = new AbortController();
    const stream = bench.llm.stream('Hi', { signal: signal.signal });
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    const waiting = errorOf(reader.next());
    stop(stream, signal);

    const error = await waiting;
    expect(error).toMatchObject({ name: 'AbortError', cause: REASON });
    expect(await errorOf(stream.response)).toBe(error);
    const [event] = bench.recording.of('llm.error');
    expect(event).toMatchObject({ error, aborted: true, text: 'Hello' });
    expect(event!.usage.outputTokens).toBeGreaterThan(0);
    expect(event!.cost).toBeCloseTo(costOf(wire, event!.usage), 12);
    expect(bench.costs.totalCost).toBe(event!.cost);
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
  });

  it('fails the next read of its consumer', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello'), wire.text(', world')));
    const stream = bench.llm.stream('Hi');
    const received: unknown[] = [];
    const reading = async () => {
      for await (const chunk of stream) {
        received.push(chunk);
        stream.abort(REASON);
        await stream.response.catch(() => undefined);
      }
    };
    expect(await errorOf(reading())).toMatchObject({ name: 'AbortError', cause: REASON });
    expect(received).toHaveLength(1);
  });

  it('fails its consumer only after the error event', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello')));
    const order: string[] = [];
    const hook = {
      onLlmError: async () => {
        await new Promise(setImmediate);
        order.push('event');
      },
    };
    const stream = bench.llm.stream('Hi', { callbacks: [hook] });
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    stream.abort(REASON);
    await errorOf(reader.next()).then(() => order.push('reader'));
    expect(order).toEqual(['event', 'reader']);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  it('is ended by timeoutMs when its consumer abandons it', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello')));
    const stream = bench.llm.stream('Hi', { timeoutMs: 600 });
    await stream[Symbol.asyncIterator]().next();
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    expect(await errorOf(stream.response)).toBeInstanceOf(LlmTimeoutError);
    expect(bench.recording.of('llm.error')).toMatchObject([{ text: 'Hello', aborted: false }]);
  });

  it('is ended by its signal when its consumer abandons it', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello')));
    const aborter = new AbortController();
    await bench.llm.stream('Hi', { signal: aborter.signal })[Symbol.asyncIterator]().next();
    aborter.abort(REASON);
    expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    expect(bench.recording.of('llm.error')).toMatchObject([{ text: 'Hello', aborted: true }]);
  });

  it('ends with the first cause', async () => {
    bench.server.answers(stalled(wire.opening, wire.text('Hello')));
    const aborter = new AbortController();
    const stream = bench.llm.stream('Hi', { signal: aborter.signal });
    const reader = stream[Symbol.asyncIterator]();
    await reader.next();
    stream.abort('first');
    aborter.abort('second');
    await reader.return!();
    expect(await errorOf(stream.response)).toMatchObject({ name: 'AbortError', cause: 'first' });
  });

  it('fails without a request when it is read after it was aborted', async () => {
    const stream = bench.llm.stream('Hi');
    stream.abort(REASON);
    expect(await errorOf(readAll(stream))).toMatchObject({ name: 'AbortError', cause: REASON });
    expect(bench.recording.tree()).toMatchObject([{ events: ['llm.start', 'llm.error'] }]);
    expect(bench.server.exchanges).toEqual([]);
  });
});
