import { ForbiddenException } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import {
  CallbackAbort,
  LlmServerError,
  OnLlmEnd,
  OnLlmError,
  OnLlmStart,
  OnLlmStreamChunk,
} from 'nestjs-llm-callbacks';
import {
  ask,
  costOf,
  errorOf,
  HELLO,
  json,
  METHODS,
  readOne,
  readAll,
  says,
  stalled,
  useBench,
  WIRES,
} from '../../support/wire/index.js';

/** A handler that rejects at one event of a call. */
class Gate {
  constructor(
    private readonly event: string,
    readonly error: Error,
  ) {}

  protected refuseAt(event: string): void {
    if (event === this.event) throw this.error;
  }
}

/** Its error fails the run because the handler is critical. */
class CriticalGate extends Gate {
  @OnLlmStart({ critical: true }) start() {
    this.refuseAt('start');
  }
  @OnLlmStreamChunk({ critical: true }) chunk() {
    this.refuseAt('chunk');
  }
  @OnLlmEnd({ critical: true }) async end() {
    await Promise.resolve();
    this.refuseAt('end');
  }
  @OnLlmError({ critical: true }) error_() {
    this.refuseAt('error');
  }
}

/** Its error fails the run because of its class. */
class AbortingGate extends Gate {
  @OnLlmStart() async start() {
    await Promise.resolve();
    this.refuseAt('start');
  }
  @OnLlmStreamChunk() async chunk() {
    await Promise.resolve();
    this.refuseAt('chunk');
  }
  @OnLlmEnd() end() {
    this.refuseAt('end');
  }
  @OnLlmError() error_() {
    this.refuseAt('error');
  }
}

const GATES: [string, (event: string) => Gate][] = [
  [
    'with a critical handler',
    (event) => new CriticalGate(event, new ForbiddenException('Not you.')),
  ],
  [
    'with a handler that throws a CallbackAbort',
    (event) => new AbortingGate(event, new CallbackAbort('Closed tonight.')),
  ],
];

describe.each(WIRES)('A call of $name', (wire) => {
  const bench = useBench(wire);

  describe.each(GATES)('%s', (_name, gateAt) => {
    it.each(METHODS)('on start rejects the call before anything is sent, by %s', async (method) => {
      const gate = gateAt('start');
      expect(await errorOf(ask(bench.llm, method, 'Hi', { callbacks: [gate] }))).toBe(gate.error);
      expect(bench.recording.tree()).toMatchObject([{ events: ['llm.start', 'llm.error'] }]);
      expect(bench.recording.of('llm.error')[0]).toMatchObject({
        error: gate.error,
        aborted: false,
        cost: 0,
        attempts: [],
      });
      expect(bench.server.exchanges).toEqual([]);
    });

    it('on a chunk fails the call and cancels its request, with the partial text', async () => {
      bench.server.answers(stalled(wire.opening, wire.text('Hello'), wire.text(', world')));
      const gate = gateAt('chunk');
      const stream = bench.llm.stream('Hi', { callbacks: [gate] });
      const { response } = stream;
      expect(await errorOf(readAll(stream))).toBe(gate.error);
      expect(await errorOf(response)).toBe(gate.error);

      expect(bench.recording.tree()).toMatchObject([
        { events: ['llm.start', 'llm.chunk', 'llm.error'] },
      ]);
      const [event] = bench.recording.of('llm.error');
      expect(event).toMatchObject({ error: gate.error, aborted: false, text: 'Hello' });
      expect(event!.cost).toBeCloseTo(costOf(wire, event!.usage), 12);
      expect(await bench.server.exchanges[0]!.aborted).toBe(true);
    });

    it.each(METHODS)(
      'on end fails the call without a second terminal event, by %s',
      async (method) => {
        bench.server.answers(says(wire, method, HELLO));
        const gate = gateAt('end');
        expect(await errorOf(ask(bench.llm, method, 'Hi', { callbacks: [gate] }))).toBe(gate.error);
        expect(bench.recording.of('llm.end')).toHaveLength(1);
        expect(bench.recording.of('llm.error')).toEqual([]);
        expect(bench.costs).toMatchObject({ requestCount: 1, totalTokens: 1_500 });
      },
    );

    it('on end of a stream fails the last next(), and the response', async () => {
      bench.server.answers(says(wire, 'stream', HELLO));
      const gate = gateAt('end');
      const stream = bench.llm.stream('Hi', { callbacks: [gate] });
      const reader = stream[Symbol.asyncIterator]();
      expect(await reader.next()).toMatchObject({ value: { type: 'text', text: 'Hello, world' } });
      expect(await errorOf(reader.next())).toBe(gate.error);
      expect(await errorOf(stream.response)).toBe(gate.error);
      expect(await reader.next()).toEqual({ done: true, value: undefined });
    });

    it('on end of a cancelled stream fails its response, not the break', async () => {
      bench.server.answers(stalled(wire.opening, wire.text('Hello')));
      const gate = gateAt('end');
      const stream = bench.llm.stream('Hi', { callbacks: [gate] });
      await readOne(stream);
      expect(await errorOf(stream.response)).toBe(gate.error);
      expect(bench.recording.of('llm.end')).toMatchObject([{ finishReason: 'cancelled' }]);
    });

    it.each(METHODS)('on error changes nothing and is reported, by %s', async (method) => {
      bench.server.answers(json(wire.error({ type: 'api_error' }), 500));
      const gate = gateAt('error');
      const error = await errorOf(ask(bench.llm, method, 'Hi', { callbacks: [gate] }));
      expect(error).toBeInstanceOf(LlmServerError);
      expect(bench.recording.of('llm.error')).toMatchObject([{ error }]);
      expect(bench.recording.of('callback.error')).toMatchObject([
        { error: gate.error, handler: `${gate.constructor.name}.error_` },
      ]);
    });
  });
});
