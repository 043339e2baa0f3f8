import { describe, expect, it, jest } from '@jest/globals';
import { LlmResponseError, LlmTimeoutError, type LlmCallOptions } from 'nestjs-llm-callbacks';
import { ask, errorOf, METHODS, useBench, WIRES } from '../../support/wire/index.js';
import { bare, mockClient, plain, type Create } from '../../support/wire/sdk-mocks.js';

describe.each(WIRES)('A mock of a client of $name', (wire) => {
  const create = jest.fn<Create>();
  const bench = useBench(wire, { llm: { client: mockClient(wire, create) } });

  it.each(METHODS)('can answer with plain objects, by %s', async (method) => {
    create.mockReset().mockImplementation(async () => plain(wire, method));
    expect(await ask(bench.llm, method)).toMatchObject({
      text: 'Hello, world',
      model: wire.model,
    });
    expect(create).toHaveBeenCalledTimes(1);
  });

  it('can answer with a minimal object', async () => {
    create.mockReset().mockReturnValue(bare(wire, 'Hello'));
    const response = await bench.llm.generate('Hi');
    expect(response).toMatchObject({
      id: '',
      model: wire.model,
      text: 'Hello',
      usage: { source: 'estimated' },
    });
    expect(response.cost).toBeGreaterThan(0);
  });

  it.each(METHODS)('fails the call when it returns nothing, by %s', async (method) => {
    create.mockReset();
    expect(await errorOf(ask(bench.llm, method))).toBeInstanceOf(LlmResponseError);
  });

  it.each(METHODS)('fails the call with the error that it throws, by %s', async (method) => {
    const thrown = new Error('mocked');
    create.mockReset().mockImplementation(() => {
      throw thrown;
    });
    expect(await errorOf(ask(bench.llm, method))).toMatchObject({
      name: 'LlmServerError',
      cause: thrown,
    });
  });

  /** The mocked stream up to its text. */
  async function* beginning() {
    for await (const event of plain(wire, 'stream') as AsyncIterable<unknown>) {
      yield event;
      if (JSON.stringify(event).includes('Hello, world')) return;
    }
  }

  it('can have a stream that fails or ends early', async () => {
    const thrown = new Error('mocked');
    const failing = async function* () {
      yield* beginning();
      throw thrown;
    };
    create.mockReset().mockImplementationOnce(failing).mockImplementationOnce(beginning);
    const failed = await errorOf(ask(bench.llm, 'stream'));
    expect(failed).toMatchObject({ name: 'LlmServerError', cause: thrown });
    expect(await errorOf(ask(bench.llm, 'stream'))).toBeInstanceOf(LlmResponseError);
    expect(bench.recording.of('llm.error')).toMatchObject([
      { error: failed, text: 'Hello, world' },
      { text: 'Hello, world' },
    ]);
  });

  it('is not awaited after an abort, even if it ignores the signal', async () => {
    const options: LlmCallOptions = { timeoutMs: 30 };
    create.mockReset().mockReturnValue(new Promise(() => {}));
    for (const method of METHODS) {
      expect(await errorOf(ask(bench.llm, method, 'Hi', options))).toBeInstanceOf(LlmTimeoutError);
    }
  });

  it('has its stream closed when the call ends first', async () => {
    for (const stop of ['break', 'abort'] as const) {
      let closed = false;
      const answer = async function* () {
        try {
          yield* plain(wire, 'stream') as AsyncIterable<unknown>;
        } finally {
          closed = true;
        }
      };
      create.mockReset().mockImplementation(answer);
      const stream = bench.llm.stream('Hi');
      const reader = stream[Symbol.asyncIterator]();
      await reader.next();
      if (stop === 'abort') stream.abort();
      await reader.return!();
      expect({ stop, closed }).toEqual({ stop, closed: true });
    }
    expect(bench.recording.tree()).toMatchObject([
      { events: ['llm.start', 'llm.chunk', 'llm.end'] },
      { events: ['llm.start', 'llm.chunk', 'llm.error'] },
    ]);
  });
});
