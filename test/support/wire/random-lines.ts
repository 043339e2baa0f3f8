import type { Random } from './random.js';

const LF = 0x0a;
const CR = 0x0d;

/** Lines that an event may contain and that are ignored. */
const ASIDES = [': ping', ':', 'id: 7', 'id', 'retry: 10', 'retry: soon', 'of: another kind'];

/** Writes the events of one stream as servers may: with any line ends, with comments, on one or several lines. */
export class RandomLines {
  readonly #lineEnd: string | undefined;
  readonly #space: string;

  constructor(
    private readonly random: Random,
    /** `undefined`: each line has its own line end. */
    lineEnds: readonly (string | undefined)[] = ['\n', '\n', '\r\n', '\r', undefined],
  ) {
    this.#lineEnd = random.pick(lineEnds);
    this.#space = random.pick([' ', ' ', '']);
  }

  /** The frame of an event that is JSON. */
  json(event: object, name?: string): string {
    const { random } = this;
    const lines = this.#data(JSON.stringify(event, null, random.chance(0.1) ? 1 : 0));
    // An additional empty line is white space in JSON.
    if (random.chance(0.05)) lines.splice(random.int(0, lines.length), 0, 'data');
    return this.#frame(lines, name);
  }

  /** The frame of an event that is text. */
  text(data: string, name?: string): string {
    return this.#frame(this.#data(data), name);
  }

  /** The frames as one stream, with or without a byte order mark. */
  stream(frames: readonly string[]): string {
    return (this.random.chance(0.2) ? '\ufeff' : '') + frames.join('');
  }

  #data(data: string): string[] {
    return data.split('\n').map((line) => `data:${this.#space}${line}`);
  }

  #frame(lines: string[], name: string | undefined): string {
    const { random } = this;
    if (name !== undefined) {
      const field = `event:${this.#space}${name}`;
      if (random.chance(0.9)) lines.unshift(field);
      else lines.push(field);
    }
    if (random.chance(0.1)) lines.splice(random.int(0, lines.length), 0, random.pick(ASIDES));
    // Without data or a name it is not an event.
    if (random.chance(0.05)) lines.unshift(random.pick(ASIDES), '');
    return this.#join([...lines, '']);
  }

  #join(lines: readonly string[]): string {
    let text = '';
    for (const line of lines) {
      const end = this.#lineEnd ?? this.random.pick(['\n', '\r\n', '\r']);
      // CR and LF in sequence would be one line end.
      const isOneEnd = line === '' && text.endsWith('\r') && end === '\n';
      text += line + (isOneEnd ? '\r\n' : end);
    }
    return text;
  }
}

/** Bytes in packets, split at random places, or where a parser is most likely to fail. */
export function randomPackets(random: Random, bytes: Uint8Array): Uint8Array[] {
  const places = new Set(random.pick([few, few, odd, tiny])(random, bytes));
  const cuts = [0, ...[...places].toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((to, i) => bytes.subarray(cuts[i], to));
}

function few(random: Random, { length }: Uint8Array): number[] {
  return random.cuts(length);
}

/** Between CR and LF, between line ends, within characters. */
function odd(random: Random, bytes: Uint8Array): number[] {
  return [...bytes.keys()].filter((i) => {
    const byte = bytes[i]!;
    const isInCharacter = (byte & 0xc0) === 0x80;
    const isBehindLineEnd = i > 0 && (bytes[i - 1] === CR || bytes[i - 1] === LF);
    return i > 0 && (isInCharacter || isBehindLineEnd) && random.chance(0.3);
  });
}

/** Packets of a few bytes, somewhere in the stream. */
function tiny(random: Random, { length }: Uint8Array): number[] {
  const from = random.int(1, length);
  return Array.from({ length: Math.min(200, length - from) }, (_, i) => from + i).filter(() =>
    random.chance(0.7),
  );
}
