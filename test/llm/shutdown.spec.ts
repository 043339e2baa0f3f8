import { describe, expect, it } from '@jest/globals';
import { LlmAbortedError } from 'nestjs-llm-callbacks';
import {
  ask,
  costOf,
  errorOf,
  HELLO,
  METHODS,
  readAll,
  says,
  silence,
  stalled,
  stepwise,
  useBench,
  WIRES,
} from '../support/wire/index.js';

describe.each(WIRES)('The shutdown of an application that calls $name', (wire) => {
  describe('past its deadline', () => {
    const bench = useBench(wire, { background: { drainMs: 0 } });

    it.each(METHODS)('aborts an unanswered call, by %s', async (method) => {
      bench.server.answers(silence);
      const call = errorOf(ask(bench.llm, method));
      const { aborted } = await bench.server.exchange(0);
      await bench.app.close();
      // The terminal event was emitted before the application had closed.
      const [event] = bench.recording.of('llm.error');
      expect(event).toMatchObject({ aborted: true, error: { name: 'AbortError' } });
      expect(await call).toBe(event!.error);
      expect(event!.error).toBeInstanceOf(LlmAbortedError);
      expect(await aborted).toBe(true);
    });

    it('aborts a stream that was partly read and abandoned', async () => {
      bench.server.answers(stalled(wire.opening, wire.text('Hello')));
      await bench.llm.stream('Hi')[Symbol.asyncIterator]().next();
      await bench.app.close();
      const [event] = bench.recording.of('llm.error');
      expect(event).toMatchObject({ aborted: true, text: 'Hello' });
      expect(event!.cost).toBeCloseTo(costOf(wire, event!.usage), 12);
      expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    });

    it('ignores a stream that was never read', async () => {
      const stream = bench.llm.stream('Hi');
      await bench.app.close();
      expect(bench.recording.events).toEqual([]);
      await stream[Symbol.asyncDispose]();
    });
  });

  describe('within its deadline', () => {
    const bench = useBench(wire, { background: { drainMs: 60_000 } });

    it('waits for a stream that is being read', async () => {
      const frames = wire.stream(HELLO);
      const { serve, step } = stepwise(frames[0]!, frames.slice(1).join(''));
      bench.server.answers(serve);
      const reading = readAll(bench.llm.stream('Hi').textStream);
      await bench.server.exchange(0);
      step();
      const closed = bench.app.close();
      step();
      await closed;
      expect(bench.recording.of('llm.end')).toMatchObject([{ finishReason: 'stop' }]);
      expect(await reading).toEqual(['Hello, world']);
    });

    it('does not wait when no run is in progress', async () => {
      bench.server.answers(says(wire, 'generate', HELLO));
      await bench.llm.generate('Hi');
      await bench.app.close();
      expect(bench.recording.of('llm.end')).toHaveLength(1);
    });
  });
});
