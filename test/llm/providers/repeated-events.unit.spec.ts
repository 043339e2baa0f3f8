import { describe, expect, it } from '@jest/globals';
import { EventParser } from '../../../src/llm/providers/shared/sse-parser.js';
import { Random } from '../../support/wire/random.js';

const VARYING = {
  deltas: [['delta', 'text'], ['choices', '0', 'delta', 'content'], ['arguments']],
  besides: [['sequence_number'], ['obfuscation']],
};

/** The events of a stream whose bytes arrive in these packets, and how many of them were parsed. */
function read(packets: readonly Buffer[]): { events: unknown[]; parsed: number } {
  let parsed = 0;
  const parser = new EventParser(VARYING, ({ data }) => {
    parsed++;
    return JSON.parse(data) as unknown;
  });
  const events: unknown[] = [];
  const takeAll = () => {
    for (let event = parser.take(); event !== undefined; event = parser.take())
      events.push(structuredClone(event));
  };
  for (const packet of packets) {
    parser.add(packet);
    takeAll();
  }
  parser.end();
  takeAll();
  return { events, parsed };
}

function readText(...lines: string[]) {
  return read([Buffer.from(lines.map((line) => `data: ${line}\n\n`).join(''))]);
}

/** The events without fields that do not matter. */
function withoutBesides(events: readonly unknown[]) {
  return events.map((event) => {
    const {
      sequence_number: _number,
      obfuscation: _padding,
      ...rest
    } = event as object & {
      sequence_number?: unknown;
      obfuscation?: unknown;
    };
    return rest;
  });
}

describe('Events that repeat the one before', () => {
  it('are compared, not parsed', () => {
    const { events, parsed } = readText(
      '{"type":"a","delta":{"text":"one"}}',
      '{"type":"a","delta":{"text":" two"}}',
      '{"type":"a","delta":{"text":""}}',
      '{"type":"b"}',
      '{"type":"a","delta":{"text":" – drei 😀"}}',
    );
    expect(events).toEqual([
      { type: 'a', delta: { text: 'one' } },
      { type: 'a', delta: { text: ' two' } },
      { type: 'a', delta: { text: '' } },
      { type: 'b' },
      { type: 'a', delta: { text: ' – drei 😀' } },
    ]);
    expect(parsed).toBe(2);
  });

  it('can have escapes in their deltas', () => {
    const { events, parsed } = readText(
      '{"arguments":"{"}',
      String.raw`{"arguments":"\"a\\\":\n\u00e9\ud83d"}`,
    );
    expect(events.at(-1)).toEqual({ arguments: '"a\\":\né\ud83d' });
    expect(parsed).toBe(1);
  });

  it('can have counters and padding', () => {
    const { events, parsed } = readText(
      '{"sequence_number":9,"delta":{"text":"a"},"obfuscation":"xy"}',
      '{"sequence_number":10,"delta":{"text":"b"},"obfuscation":""}',
    );
    expect(withoutBesides(events)).toEqual([{ delta: { text: 'a' } }, { delta: { text: 'b' } }]);
    expect(parsed).toBe(1);
  });

  it.each([
    ['another key', '{"type":"a","index":0,"delta":{"text":"b"}}'],
    ['other white space', '{"type":"a", "delta":{"text":"b"}}'],
    ['another value', '{"type":"b","delta":{"text":"b"}}'],
    ['another delta', '{"type":"a","delta":{"text":null}}'],
    ['more behind the delta', '{"type":"a","delta":{"text":"b"},"usage":{}}'],
  ])('are parsed when they have %s', (_what, line) => {
    const { events, parsed } = readText('{"type":"a","delta":{"text":"a"}}', line);
    expect(events.at(-1)).toEqual(JSON.parse(line));
    expect(parsed).toBe(2);
  });

  it.each([
    ['a broken escape', String.raw`{"delta":{"text":"\x"}}`],
    ['half an escape', String.raw`{"delta":{"text":"\u12"}}`],
    ['a control character', '{"delta":{"text":"a\tb"}}'],
    ['a number with a leading zero', '{"sequence_number":07,"delta":{"text":"a"}}'],
  ])('fail as in a JSON parser with %s', (_what, line) => {
    const right = line.replace(/"text":".*"}}/, '"text":"a"}}').replace('07', '7');
    expect(() => readText(right, line)).toThrow(SyntaxError);
  });

  it('are not misread if a key occurs more than once, or inside a text', () => {
    const lines = [
      '{"text":"x","delta":{"text":"a"}}',
      '{"text":"y","delta":{"text":"b"}}',
      String.raw`{"said":"\"text\":\"no\"","delta":{"text":"c"}}`,
      String.raw`{"said":"\"text\":\"no\"","delta":{"text":"d"}}`,
    ];
    expect(readText(...lines).events).toEqual(lines.map((line) => JSON.parse(line) as unknown));
  });

  it('are separate events, also if two of them have other line ends', () => {
    const pair = 'data: {"delta":{"text":"a"}}\r\n\r\ndata: {"type":"b"}\n\n';
    const { events } = read([Buffer.from(pair + pair)]);
    const both = [{ delta: { text: 'a' } }, { type: 'b' }];
    expect(events).toEqual([...both, ...both]);
  });

  it('are no longer compared in a stream without repetitions', () => {
    const lines = Array.from({ length: 50 }, (_, i) => `{"at":${i},"delta":{"text":"${i}"}}`);
    const { events, parsed } = readText(...lines, lines[49]!, lines[49]!);
    expect(parsed).toBe(52);
    expect(events).toHaveLength(52);
  });

  it('equal the result of a JSON parser, whatever they contain and wherever they are split', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = new Random(seed);
      const lines = randomLines(random);
      const bytes = Buffer.from(lines.map((line) => `data: ${line}\n\n`).join(''));
      const cuts = random.chance(0.5)
        ? [0, ...random.cuts(bytes.length), bytes.length]
        : [0, bytes.length];
      const packets = cuts.slice(1).map((end, i) => bytes.subarray(cuts[i], end));
      const expected = lines.map((line) => JSON.parse(line) as unknown);
      expect({ seed, events: withoutBesides(read(packets).events) }).toEqual({
        seed,
        events: withoutBesides(expected),
      });
    }
  });
});

/** Runs of deltas of a few kinds, as providers send them, with other events in between. */
function randomLines(random: Random): string[] {
  let number = 0;
  const kinds: readonly ((text: string) => object)[] = [
    (text) => ({ type: 'delta', index: 0, delta: { type: 'text_delta', text } }),
    (content) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }),
    (text) => ({ sequence_number: number++, arguments: text, obfuscation: random.text(2) }),
    (text) => ({ text, delta: { text }, other: text }),
    () => ({ type: 'ping' }),
  ];
  return random
    .times(1, 6, () => random.pick(kinds))
    .flatMap((kind) => random.times(1, 8, () => JSON.stringify(kind(random.text(3)))));
}
