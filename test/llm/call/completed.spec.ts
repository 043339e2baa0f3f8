import { describe, expect, it } from '@jest/globals';
import {
  ask,
  costOf,
  events,
  HELLO,
  METHODS,
  says,
  useBench,
  WIRES,
  type Said,
} from '../../support/wire/index.js';
import { openai } from '../../support/wire/openai.js';

const LOOKUP = { id: 'call_1', name: 'lookup', argsText: '{"city":"Köln"}' };

describe.each(WIRES)('A completed call of $name', (wire) => {
  const bench = useBench(wire);

  describe.each(METHODS)('by %s', (method) => {
    it('ends once, with text, usage and cost', async () => {
      bench.server.answers(says(wire, method, HELLO));
      const response = await ask(bench.llm, method);

      expect(bench.recording.tree()).toEqual([
        {
          kind: 'llm',
          events: ['llm.start', ...(method === 'stream' ? ['llm.chunk'] : []), 'llm.end'],
          children: [],
        },
      ]);
      const [end] = bench.recording.of('llm.end');
      expect(end!.response).toBe(response);
      expect(response).toMatchObject({
        text: 'Hello, world',
        finishReason: 'stop',
        provider: wire.provider,
      });
      expect(response.usage).toMatchObject({
        inputTokens: 1_000,
        outputTokens: 500,
        source: 'provider',
      });
      expect(response.cost).toBeCloseTo(costOf(wire, response.usage), 12);
      expect(end).toMatchObject({
        tokenCount: 1_500,
        cost: response.cost,
        durationMs: response.durationMs,
      });
      expect(response.attempts).toEqual([
        expect.objectContaining({
          provider: wire.provider,
          usage: response.usage,
          cost: response.cost,
        }),
      ]);
      expect(await bench.server.exchanges[0]!.aborted).toBe(false);
    });

    it('ends with the tool calls that the model makes', async () => {
      bench.server.answers(says(wire, method, { toolCalls: [LOOKUP] }));
      const response = await ask(bench.llm, method);
      expect(response).toMatchObject({ text: '', finishReason: 'tool-calls' });
      expect(response.toolCalls).toEqual([{ ...LOOKUP, args: { city: 'Köln' } }]);
      expect(bench.recording.of('llm.end')[0]!.toolCalls).toBe(response.toolCalls);
    });

    it('completes when the answer is empty', async () => {
      bench.server.answers(says(wire, method, { text: '' }));
      const response = await ask(bench.llm, method);
      expect(response).toMatchObject({
        text: '',
        finishReason: 'stop',
        usage: { totalTokens: 15 },
      });
    });

    it('estimates usage and cost when the server reports no usage', async () => {
      bench.server.answers(says(wire, method, { text: 'Hello, world', usage: null }));
      const { usage, cost } = await ask(bench.llm, method, 'How are you today?');
      expect(usage.source).toBe('estimated');
      expect(usage.inputTokens).toBeGreaterThan(0);
      expect(usage.outputTokens).toBeGreaterThan(0);
      expect(cost).toBeCloseTo(costOf(wire, usage), 12);
    });

    it.each<[NonNullable<Said['finish']>]>([
      ['stop'],
      ['length'],
      ['tool-calls'],
      ['content-filter'],
    ])('reports why the answer ended: %s', async (finish) => {
      bench.server.answers(says(wire, method, { text: 'Well', finish }));
      expect(await ask(bench.llm, method)).toMatchObject({ text: 'Well', finishReason: finish });
    });
  });

  it('measures a stream on a monotonic clock', async () => {
    bench.server.answers(says(wire, 'stream', HELLO));
    const { durationMs, timeToFirstChunkMs } = await ask(bench.llm, 'stream');
    expect(timeToFirstChunkMs).toBeGreaterThan(0);
    expect(durationMs).toBeGreaterThanOrEqual(timeToFirstChunkMs!);
    expect(durationMs).toBeLessThan(performance.now());
  });
});

describe('A stream of openai', () => {
  const bench = useBench(openai);

  it('is complete when it has a finish reason but no [DONE]', async () => {
    bench.server.answers(events(...openai.stream(HELLO).slice(0, -1)));
    expect(await ask(bench.llm, 'stream')).toMatchObject({
      text: 'Hello, world',
      finishReason: 'stop',
    });
  });

  it('takes its usage from a last chunk that contains only usage', async () => {
    bench.server.answers(events(...openai.stream(HELLO)));
    const { usage } = await ask(bench.llm, 'stream');
    expect(usage).toMatchObject({ inputTokens: 1_000, outputTokens: 500, source: 'provider' });
    expect(bench.recording.of('llm.chunk').map(({ chunk }) => chunk)).toEqual([
      { type: 'text', text: 'Hello, world' },
    ]);
  });
});
