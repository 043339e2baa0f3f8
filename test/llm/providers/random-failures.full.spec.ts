import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LlmConnectionError, LlmResponseError } from 'nestjs-llm-callbacks';
import { Bench, destroyed } from '../../support/wire/index.js';
import { Packets, type Ending } from '../../support/wire/memory-wire.js';
import {
  endOf,
  ERROR_FORMS,
  malformed,
  REPORTED_ERRORS,
} from '../../support/wire/random-faults.js';
import { RANDOM_FORMATS, type RandomFormat } from '../../support/wire/random-formats.js';
import { RandomLines, randomPackets } from '../../support/wire/random-lines.js';
import {
  readBySdk,
  readByUs,
  TwoReaders,
  type OwnRead,
  type Read,
} from '../../support/wire/random-reads.js';
import { Random } from '../../support/wire/random.js';
import { newClient } from '../../support/wire/sdk-clients.js';
import { contentOfChunks } from '../../support/wire/content.js';

const STREAMS = 40;

/** With lines that end in CR alone, or with mixed line ends, OpenAI's SDK holds events back until the next one. */
const PROMPT_LINE_ENDS = ['\n', '\r\n'];

const STOPPED = {
  break: { type: 'llm.end', finishReason: 'cancelled' },
  abort: { type: 'llm.error', aborted: true },
};

/** A random stream, and the generator for further choices. */
function randomStream(format: RandomFormat, seed: number, lineEnds?: readonly string[]) {
  const random = new Random(seed);
  const lines = new RandomLines(random, lineEnds);
  const frames = format.frames(random, lines);
  const packets = (all: readonly string[] | Buffer, ending?: Ending) => {
    const bytes = Array.isArray(all) ? Buffer.from(lines.stream(all)) : (all as Buffer);
    return new Packets(randomPackets(random, bytes), ending);
  };
  return { random, lines, frames, packets };
}

/** The first bytes of a stream: any number of them, without its end. */
function beginning({ wire }: RandomFormat, random: Random, frames: readonly string[]): Buffer {
  const bytes = Buffer.from(frames.slice(0, endOf(wire, frames)).join(''));
  return bytes.subarray(0, random.int(0, bytes.length));
}

function expectSamePlace(seed: number, ours: OwnRead, sdk: Read): void {
  expect({ seed, ...ours.content }).toEqual({ seed, ...sdk.content });
}

/** Expects the stream to fail where the SDK's fails, and the run to end with the partial text. */
function expectFailure(seed: number, ours: OwnRead, sdk: Read, is: unknown): void {
  expect({ seed, is: ours.error?.constructor }).toEqual({ seed, is });
  expectSamePlace(seed, ours, sdk);
  const { type, error, text, aborted } = ours.event!;
  expect({ seed, type, error, text, aborted }).toEqual({
    seed,
    type: 'llm.error',
    error: ours.error,
    text: sdk.content.text,
    aborted: false,
  });
}

describe.each(RANDOM_FORMATS)('Random streams of $wire.name', (format) => {
  const { wire } = format;

  describe.each([
    ['of the library', false, STREAMS],
    ["of the SDK's, through a wrapped client", true, STREAMS / 4],
  ])('by a reader %s', (_reader, isWrapped, count) => {
    const readers = new TwoReaders(format, isWrapped);
    beforeAll(() => readers.bench.open());
    afterAll(() => readers.bench.close());
    const seeds = Array.from({ length: count }, (_, i) => i + 1);

    it('fail if the connection is lost at any byte', async () => {
      for (const seed of seeds) {
        const { random, frames, packets } = randomStream(format, seed, PROMPT_LINE_ENDS);
        const bytes = beginning(format, random, frames);
        const sdk = await readers.bySdk(packets(bytes, 'lost'));
        const ours = await readers.byUs(packets(bytes, 'lost'));
        expect({ seed, error: sdk.error }).toMatchObject({ seed, error: expect.any(Error) });
        expectFailure(seed, ours, sdk, LlmConnectionError);
      }
    });

    it('fail at an event that is not JSON', async () => {
      for (const seed of seeds) {
        const { random, lines, frames, packets } = randomStream(format, seed);
        const at = random.int(0, endOf(wire, frames) - 1);
        frames.splice(at, 0, malformed(wire, random, lines));
        const sdk = await readers.bySdk(packets(frames));
        const ours = await readers.byUs(packets(frames));
        expect({ seed, name: (sdk.error as Error).name }).toEqual({ seed, name: 'SyntaxError' });
        expectFailure(seed, ours, sdk, LlmResponseError);
      }
    });

    // The SDKs' own streams just end; the library detects that something is missing.
    it('fail when they end early, at any byte', async () => {
      for (const seed of seeds) {
        const { random, frames, packets } = randomStream(format, seed);
        const bytes = beginning(format, random, frames);
        // The library accepts a whole last event even without the blank line.
        const read = isWrapped ? bytes : Buffer.concat([bytes, Buffer.from('\n\n')]);
        const sdk = await readers.bySdk(packets(read));
        const ours = await readers.byUs(packets(bytes));
        // A chat completion is complete with its finish reason, and may lack an end marker.
        const isWhole = ours.response !== undefined;
        expect({ seed, isWhole }).toEqual({ seed, isWhole: sdk.isFinished });
        if (isWhole) expectSamePlace(seed, ours, sdk);
        else expectFailure(seed, ours, sdk, LlmResponseError);
      }
    });

    const forms = ERROR_FORMS[wire.name].filter(({ isMissed }) => !(isWrapped && isMissed));
    it.each(forms)('fail with an error in the form of $form', async (form) => {
      for (const seed of seeds.slice(0, STREAMS / 4)) {
        const { random, lines, frames, packets } = randomStream(format, seed);
        const at = random.int(0, endOf(wire, frames) - 1);
        const { says, is } = random.pick(REPORTED_ERRORS);
        frames.splice(at, 0, form.frame(lines, wire, { message: 'It went wrong.', ...says }));
        const sdk = await readers.bySdk(packets(frames.slice(0, at + 1)));
        const ours = await readers.byUs(packets(frames));
        const failsSdk = sdk.error !== undefined;
        const expected = form.failsSdk === 'by version' ? failsSdk : form.failsSdk;
        expect({ seed, failsSdk }).toEqual({ seed, failsSdk: expected });
        expectFailure(seed, ours, sdk, is);
      }
    });
  });

  describe('by a consumer of the library', () => {
    const readers = new TwoReaders(format);
    beforeAll(() => readers.bench.open());
    afterAll(() => readers.bench.close());

    // For formats other than OpenAI's, the SDKs parse what follows the end; the library stops at the end.
    it('are complete with their end, whatever follows', async () => {
      for (let seed = 1; seed <= STREAMS / 2; seed++) {
        const { random, lines, frames, packets } = randomStream(format, seed);
        if (endOf(wire, frames) === frames.length) frames.push(lines.text('[DONE]'));
        const sdk = await readers.bySdk(packets(frames));
        const [first, second] = [random.pick(frames), malformed(wire, random, lines)];
        const more = [first, wire.streamError({ type: 'api_error' }), second, 'junk\n\n\ufffd'];
        const all = [...frames.slice(0, endOf(wire, frames) + 1), random.pick(more), ...more];
        const ours = await readers.byUs(packets(all, random.pick(['end', 'lost', 'nothing'])));
        expectSamePlace(seed, ours, sdk);
        expect({ seed, ...ours.response }).toMatchObject({ seed, text: sdk.content.text });
      }
    });

    it.each(['break', 'abort'] as const)('end at any chunk, by %s', async (how) => {
      for (let seed = 1; seed <= STREAMS / 2; seed++) {
        const { random, frames, packets } = randomStream(format, seed);
        const { chunks } = await readers.byUs(packets(frames));
        if (chunks.length === 0) continue;
        const first = chunks.slice(0, random.int(1, chunks.length));
        const served = packets(frames, 'nothing');
        const { read, event } = await readers.stopped(served, first.length, how);
        expect({ seed, read, isLeft: served.isLeft }).toEqual({ seed, read: first, isLeft: true });
        const { text } = contentOfChunks(first);
        expect({ seed, event }).toMatchObject({ seed, event: { ...STOPPED[how], text } });
      }
    });

    describe('over HTTP', () => {
      const bench = new Bench(wire);
      beforeAll(() => bench.open());
      afterAll(() => bench.close());

      it('fail if the socket is destroyed at any byte', async () => {
        const client = newClient(wire, bench.server.origin, { maxRetries: 0 });
        for (let seed = 1; seed <= 10; seed++) {
          const { random, frames, packets } = randomStream(format, seed, PROMPT_LINE_ENDS);
          const bytes = beginning(format, random, frames);
          // Destroyed after all readable data was read; unread data is lost with the socket.
          const destroyedAt = (last: number) => {
            const { serve, destroy } = destroyed(randomPackets(random, bytes));
            bench.server.answers(serve);
            if (last === 0) destroy();
            return (count: number) => void (count === last && destroy());
          };
          const bySdk = await readers.bySdk(packets(bytes, 'lost'));
          const sdk = await readBySdk(wire, client, destroyedAt(bySdk.count));
          const byUs = await readers.byUs(packets(bytes, 'lost'));
          const ours = await readByUs(bench, destroyedAt(byUs.count));
          expect({ seed, content: sdk.content }).toEqual({ seed, content: bySdk.content });
          expectFailure(seed, ours, sdk, LlmConnectionError);
        }
      });
    });
  });
});
