import { describe, expect, it } from '@jest/globals';
import type { LlmChunk } from 'nestjs-llm-callbacks';
import {
  inPieces,
  readAll,
  useBench,
  type Bench,
  type BenchOptions,
} from '../support/wire/index.js';
import { RANDOM_FORMATS, type RandomFormat } from '../support/wire/random-formats.js';
import { Random } from '../support/wire/random.js';
import { newClient } from '../support/wire/sdk-clients.js';

const STREAMS = 300;
const BATCH = 50;
/** First seeds of the batches. */
const SEEDS = Array.from({ length: STREAMS / BATCH }, (_, i) => i * BATCH + 1);

/** What chunks add up to, as far as they tell it. */
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
  const toolCalls = calls.map((call) => ({ ...call, args: JSON.parse(call.argsText) as unknown }));
  return { ...texts, toolCalls };
}

/** Lets the SDK and the library read a random stream whose bytes come cut at random places. */
async function readBoth(bench: Bench, format: RandomFormat, seed: number) {
  const random = new Random(seed);
  const bytes = format.bytes(random);
  const serve = () => inPieces(bytes, random.cuts(bytes.length));
  bench.server.answers(serve(), serve());
  const bySdk = await format.readBySdk(bench.server.origin);
  const stream = bench.llm.stream('Hi');
  const chunks = addUp(await readAll(stream));
  return { bySdk, chunks, response: await stream.response };
}

function compareBatches(
  format: RandomFormat,
  seeds: readonly number[],
  options: BenchOptions,
): void {
  const bench = useBench(format.wire, options);

  it.each(seeds)('from seed %i', async (first) => {
    for (let seed = first; seed < first + BATCH; seed++) {
      const { bySdk, chunks, response } = await readBoth(bench, format, seed);
      const { reasoning, providerData, ...answer } = bySdk;
      const { text, toolCalls } = answer;
      expect({ seed, ...chunks }).toMatchObject({ seed, text, reasoning, toolCalls });
      expect({ seed, ...response }).toMatchObject({ seed, ...answer });
      expect(response.toolCalls).toEqual(chunks.toolCalls);
      expect({ seed, data: response.message.providerData }).toEqual({ seed, data: providerData });
    }
  });
}

describe.each(RANDOM_FORMATS)('Random streams of $wire.name, cut anywhere', (format) => {
  describe('are what the SDK reads', () => {
    compareBatches(format, SEEDS, {});
  });

  // Of its own client the library reads the bytes itself; of one that other tools have wrapped, the SDK's stream.
  describe('are what the SDK reads, through a wrapped client', () => {
    const wrapped = (origin: string) => new Proxy(newClient(format.wire, origin), {});
    compareBatches(format, SEEDS.slice(0, 1), { llm: (origin) => ({ client: wrapped(origin) }) });
  });
});
