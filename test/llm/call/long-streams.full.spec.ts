import { afterEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { CallbacksModule, LlmService, type LlmStreamOptions } from 'nestjs-llm-callbacks';
import { closeApps, willClose } from '../../support/app.js';
import { heldBytes } from '../../support/gc.js';
import { HELLO, WIRES, type WireFormat } from '../../support/wire/index.js';
import { MemoryWire, Packets } from '../../support/wire/memory-wire.js';
import { newClient } from '../../support/wire/sdk-clients.js';

const MB = 1024 * 1024;
const PIECE = 'x'.repeat(16 * 1024);

/** The frames of a stream that repeats one chunk many times; the last chunk is another one. */
function* packets(wire: WireFormat, piece: string, times: number): Generator<Uint8Array> {
  const frames = wire.stream(HELLO);
  const at = frames.findIndex((frame) => frame.includes(HELLO.text));
  const [first, again] = [frames.slice(0, at).join('') + wire.text(piece), wire.text(piece)];
  yield Buffer.from(first);
  for (let i = 1; i < times; i++) yield Buffer.from(again);
  yield Buffer.from(frames.slice(at).join(''));
}

/** An application that stores no events, unlike one with RecordingCallbacks. */
async function startLlm(wire: WireFormat, served: Packets, isWrapped = false): Promise<LlmService> {
  const memory = new MemoryWire();
  memory.answers(served);
  const sdk = newClient(wire, 'http://memory.test', { fetch: memory.fetch });
  const client = isWrapped ? new Proxy(sdk, {}) : sdk;
  const root = CallbacksModule.forRoot({ llm: { ...wire.client('http://memory.test'), client } });
  const module = await Test.createTestingModule({ imports: [root] }).compile();
  await willClose(module).init();
  return module.get(LlmService);
}

/** The growth of used memory from the first to the last chunk of a long stream. */
async function growth(wire: WireFormat, length: number, options: LlmStreamOptions) {
  const llm = await startLlm(wire, new Packets(packets(wire, PIECE, length / PIECE.length)));
  const stream = llm.stream('Hi', options);
  const reader = stream.textStream[Symbol.asyncIterator]();
  await reader.next();
  const before = await heldBytes();
  let read = PIECE.length;
  for (let piece = ''; piece !== HELLO.text; read += piece.length)
    piece = (await reader.next()).value as string;
  const grown = (await heldBytes()) - before;
  await reader.next();
  return { grown, read, text: (await stream.response).text };
}

/** Waits until all pending reads have progressed. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}

describe.each(WIRES)('A long stream of $name', (wire) => {
  afterEach(closeApps);

  it('uses constant memory with collect: false', async () => {
    const length = 20 * MB;
    const { grown, read, text } = await growth(wire, length, { collect: false });
    expect({ read, text }).toEqual({ read: length + HELLO.text.length, text: '' });
    expect(grown).toBeLessThan(2 * MB);
  });

  it('uses as much memory as its text when it is collected', async () => {
    const length = 6 * MB;
    const { grown, read, text } = await growth(wire, length, {});
    expect(text).toHaveLength(read);
    expect(grown).toBeGreaterThan(length - MB);
    expect(grown).toBeLessThan(length + 2 * MB);
  });

  describe.each([
    ['the library', false],
    ['the SDK', true],
  ])('that is read by %s', (_reader, isWrapped) => {
    it('is fetched no faster than its consumer reads', async () => {
      const served = new Packets(packets(wire, 'Hello', 50));
      const llm = await startLlm(wire, served, isWrapped);
      const stream = llm.stream('Hi');
      await settled();
      expect(served.pulled).toBe(0);
      let read = 0;
      for await (const text of stream.textStream) {
        expect(text).toMatch(/^Hello/);
        read++;
        await settled();
        expect(served.pulled).toBe(read);
      }
      expect(read).toBe(51);
    });

    it('is fetched no faster than its handlers receive events', async () => {
      const served = new Packets(packets(wire, 'Hello', 50));
      const llm = await startLlm(wire, served, isWrapped);
      let received = 0;
      const ahead = new Set<number>();
      const hook = {
        onLlmStreamChunk: async () => {
          received++;
          await settled();
          ahead.add(served.pulled - received);
        },
      };
      await llm.stream('Hi', { callbacks: [hook] }).response;
      expect({ received, ahead: [...ahead] }).toEqual({ received: 51, ahead: [0] });
    });
  });
});
