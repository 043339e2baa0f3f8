import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LlmChunk } from 'nestjs-llm-callbacks';
import { Bench, inPieces, readAll, type BenchOptions } from '../../support/wire/index.js';
import { MemoryWire, Packets } from '../../support/wire/memory-wire.js';
import { RANDOM_FORMATS, type RandomFormat } from '../../support/wire/random-formats.js';
import { RandomLines, randomPackets } from '../../support/wire/random-lines.js';
import { Random } from '../../support/wire/random.js';
import { newClient } from '../../support/wire/sdk-clients.js';

const BATCH = 50;
/** First seeds of the batches. */
const OVER_HTTP = [1, 51];
const FROM_MEMORY = [101, 151, 201, 251, 301, 351, 401, 451];

/** The sum of the chunks, as far as they contain it. */
function addUp(chunks: readonly LlmChunk[]) {
  const texts = { text: '', reasoning: '' };
  const calls: { id: string; name: string; argsText: string }[] = [];
  for (const chunk of chunks) {
    if (chunk.type === 'tool-call') {
      const call = (calls[chunk.index] ??= { id: '', name: '', argsText: '' });
      call.id = chunk.id ?? call.id;
      call.name = chunk.name ?? call.name;
      call.argsText += chunk.argsDelta;
    } else {
      texts[chunk.type] += chunk.text;
    }
  }
  // Some servers send no arguments for a tool without parameters.
  const toolCalls = calls.map((call) => ({
    ...call,
    args: JSON.parse(call.argsText || '{}') as unknown,
  }));
  return { ...texts, toolCalls };
}

/** How the bytes of a stream reach the reader. */
interface Transport {
  /** Whether the library reads the SDK's stream. */
  readonly isWrapped?: boolean;
  readonly client: (format: RandomFormat, origin: string) => ReturnType<typeof newClient>;
  readonly send: (bench: Bench, ...streams: Uint8Array[][]) => void;
}

const http: Transport = {
  client: ({ wire }, origin) => newClient(wire, origin),
  send: ({ server }, ...streams) => server.answers(...streams.map(inPieces)),
};

function fromMemory(): Transport {
  const memory = new MemoryWire();
  return {
    client: ({ wire }, origin) => newClient(wire, origin, { fetch: memory.fetch }),
    send: (_bench, ...streams) => memory.answers(...streams.map((all) => new Packets(all))),
  };
}

/** The bytes of a random stream: complete, and without the blank line after the last event, as some servers send it. */
function randomBytes(format: RandomFormat, random: Random) {
  const lines = new RandomLines(random);
  const text = lines.stream(format.frames(random, lines));
  return { whole: Buffer.from(text), cropped: Buffer.from(text.trimEnd()) };
}

function compareBatches(
  format: RandomFormat,
  seeds: readonly number[],
  { client, send, isWrapped }: Transport,
  options: BenchOptions,
): void {
  const bench = new Bench(format.wire, options);
  beforeAll(() => bench.open());
  afterAll(() => bench.close());

  /** Lets the SDK and the library read a random stream whose bytes are split at random positions. */
  async function readBoth(seed: number) {
    const random = new Random(seed);
    const { whole, cropped } = randomBytes(format, random);
    // The standard and the SDKs drop an event without a blank line after it; the library does not.
    const read = random.chance(0.2) && !isWrapped ? cropped : whole;
    send(bench, randomPackets(random, whole), randomPackets(random, read));
    const bySdk = await format.readBySdk(client(format, bench.server.origin));
    const stream = bench.llm.stream('Hi');
    const chunks = addUp(await readAll(stream));
    return { bySdk, chunks, response: await stream.response };
  }

  it.each(seeds)('from seed %i', async (first) => {
    for (let seed = first; seed < first + BATCH; seed++) {
      const { bySdk, chunks, response } = await readBoth(seed);
      const { reasoning, providerData, ...answer } = bySdk;
      const { text, toolCalls } = answer;
      expect({ seed, ...chunks }).toMatchObject({ seed, text, reasoning, toolCalls });
      expect({ seed, ...response }).toMatchObject({ seed, ...answer });
      // Arguments that the limit may have cut are not valid, whatever was streamed.
      const isCut = response.finishReason === 'length';
      expect(
        response.toolCalls.map(({ argsError, ...call }) =>
          isCut && argsError ? { ...call, args: {} } : call,
        ),
      ).toEqual(chunks.toolCalls);
      expect({ seed, data: response.message.providerData }).toEqual({ seed, data: providerData });
    }
  });
}

describe.each(RANDOM_FORMATS)('Random streams of $wire.name, split anywhere', (format) => {
  describe('are read as by the SDK', () => {
    compareBatches(format, OVER_HTTP, http, {});
  });

  describe('are read as by the SDK, with a custom fetch', () => {
    const memory = fromMemory();
    const llm = (origin: string) => ({ client: memory.client(format, origin) });
    compareBatches(format, FROM_MEMORY, memory, { llm });
  });

  // With its own client the library reads the bytes itself; with a wrapped client, it reads the SDK's stream.
  describe('are read as by the SDK, through a wrapped client', () => {
    const llm = (origin: string) => ({ client: new Proxy(http.client(format, origin), {}) });
    compareBatches(format, OVER_HTTP.slice(0, 1), { ...http, isWrapped: true }, { llm });
  });
});
