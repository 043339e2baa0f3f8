import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { LlmResponseError } from '../../../errors/llm-errors.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;

/** Bytes that arrived together, and access to the JSON values in them. */
class Packet {
  readonly view: DataView;
  readonly length: number;

  constructor(readonly bytes: Buffer) {
    this.length = bytes.length;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** One character per byte. */
  toLatin1(): string {
    return this.bytes.toString('latin1');
  }

  /** The end of the JSON string whose first character is at `start`; -1 if it does not end, or is no string. */
  endOfString(start: number): number {
    const { bytes } = this;
    for (let at = start; at < this.length; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) at++;
      else if (byte < SPACE) return -1;
    }
    return -1;
  }

  /** The end of an integer; -1 if there is none. */
  endOfInteger(start: number): number {
    const { bytes } = this;
    let at = start;
    while (bytes[at]! >= ZERO && bytes[at]! <= NINE) at++;
    const isInteger = at === start + 1 || (at > start && bytes[start] !== ZERO);
    return isInteger ? at : -1;
  }

  /** The JSON string between two offsets. */
  jsonString(start: number, end: number): string {
    const raw = this.bytes.toString('utf8', start, end);
    return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
  }
}

const WORD = 4;

/** A byte sequence that is matched often: four bytes at a time, at half the cost of calling `Buffer.compare`. */
class ByteTemplate {
  readonly length: number;
  readonly #words: Int32Array;
  readonly #rest: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.length = bytes.length;
    const count = Math.floor(bytes.length / WORD);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#words = Int32Array.from({ length: count }, (_, i) => view.getInt32(i * WORD));
    this.#rest = bytes.slice(count * WORD);
  }

  /** Whether the bytes are at `start`. */
  areAt(packet: DataView, start: number): boolean {
    const words = this.#words;
    const rest = this.#rest;
    if (start + this.length > packet.byteLength) return false;
    let at = start;
    for (let i = 0; i < words.length; i++, at += WORD)
      if (packet.getInt32(at) !== words[i]) return false;
    for (let i = 0; i < rest.length; i++, at++) if (packet.getUint8(at) !== rest[i]) return false;
    return true;
  }
}

/** The path of a value in an event: its keys, from the outside in. */
type Path = readonly string[];

/** What differs between a delta and the previous one, while all other bytes are the same. */
export interface Varying {
  /** The strings of deltas. */
  readonly deltas: readonly Path[];
  /** What no decoder reads: counters and padding strings. */
  readonly besides?: readonly Path[];
}

/** A value that varies, after bytes that do not. */
interface Part {
  readonly before: ByteTemplate;
  readonly isText: boolean;
  /** The object that receives the delta; absent if nobody reads the value. */
  readonly holder: Record<string, unknown> | undefined;
  readonly key: string;
}

/** A value of an event, and its offset among the event's bytes. */
interface Place extends Omit<Part, 'before'> {
  readonly start: number;
}

/**
 * Reads events that repeat a parsed event except for what varies: all other bytes are compared, at a fraction of the
 * cost of parsing. Events that differ, or may differ, are left to the parser.
 *
 * This is safe because `"key":"` cannot be part of a JSON string, where quotes are escaped: if it occurs once, it
 * precedes the value that the parsed event has under that key, and any JSON string may replace that value.
 */
class DeltaMatcher {
  /** @param event the event that is returned: the same object each time, with other deltas */
  private constructor(
    readonly event: unknown,
    private readonly parts: readonly Part[],
    private readonly end: ByteTemplate,
  ) {}

  /**
   * A matcher for repetitions of this event; `undefined` if the event has no delta.
   *
   * @param source the bytes of the event, with the blank line that ends it
   */
  static of(source: Packet, event: unknown, varying: Varying): DeltaMatcher | undefined {
    const text = source.toLatin1();
    const deltas = varying.deltas.flatMap((path) => find(text, event, path, true));
    if (deltas.length === 0) return undefined;
    const besides = (varying.besides ?? []).flatMap((path) => find(text, event, path, false));
    const parts: Part[] = [];
    let at = 0;
    for (const { start, ...value } of [...deltas, ...besides].toSorted(
      (a, b) => a.start - b.start,
    )) {
      parts.push({ ...value, before: new ByteTemplate(source.bytes.subarray(at, start)) });
      at = value.isText ? source.endOfString(start) : source.endOfInteger(start);
      if (at < 0) return undefined;
    }
    return new DeltaMatcher(event, parts, new ByteTemplate(source.bytes.subarray(at)));
  }

  /** The end of the event that begins at `start`, if it is a repetition; otherwise -1. */
  read(packet: Packet, start: number): number {
    const { parts, end } = this;
    let at = start;
    for (let i = 0; i < parts.length; i++) {
      const { before, isText, holder, key } = parts[i]!;
      if (!before.areAt(packet.view, at)) return -1;
      const from = at + before.length;
      at = isText ? packet.endOfString(from) : packet.endOfInteger(from);
      if (at < 0) return -1;
      if (holder !== undefined) holder[key] = packet.jsonString(from, at);
    }
    return end.areAt(packet.view, at) ? at + end.length : -1;
  }
}

function find(text: string, event: unknown, path: Path, isDelta: boolean): Place[] {
  const key = path.at(-1)!;
  const holder = holderOf(event, path);
  const isText = typeof holder?.[key] === 'string';
  if (!isText && (isDelta || typeof holder?.[key] !== 'number')) return [];
  const found = [...text.matchAll(new RegExp(`"${key}"\\s*:\\s*${isText ? '"' : '(?=\\d)'}`, 'g'))];
  if (found.length !== 1) return [];
  const [{ index, 0: before }] = found as [RegExpExecArray];
  return [{ start: index + before.length, isText, holder: isDelta ? holder : undefined, key }];
}

function holderOf(event: unknown, path: Path): Record<string, unknown> | undefined {
  let holder = Object(event) as Record<string, unknown>;
  for (const key of path.slice(0, -1)) holder = Object(holder[key]) as Record<string, unknown>;
  return holder;
}

/** The longest event, in characters; a server that never ends a line must not fill the memory. */
const MAX_EVENT_LENGTH = 32 * 1024 * 1024;

/** The blank line after an event. With other line ends, all events are parsed. */
const EVENT_END = Buffer.from('\n\n');
const NOTHING = new Packet(Buffer.alloc(0));

/** After this many events without a repetition, all events of a stream are parsed. */
const MAX_UNREPEATED = 8;

/**
 * Converts the bytes of an event stream to events: parses them, unless they repeat the last one except for what varies.
 */
export class EventParser {
  readonly #text = new TextDecoder();
  readonly #messages: EventSourceMessage[] = [];
  /** How many events were taken. */
  #taken = 0;
  readonly #parser = createParser({
    onEvent: (message) => this.#messages.push(message),
    maxBufferSize: MAX_EVENT_LENGTH,
    onError: ({ type }) => {
      // The standard requires everything else to be ignored.
      if (type === 'max-buffer-size-exceeded')
        throw new LlmResponseError('A streamed event is too long.');
    },
  });
  #packet = NOTHING;
  /** How much of the packet was taken. */
  #at = 0;
  /** Whether an event begins there. */
  #isAtEvent = true;
  /** The bytes of the event that is being parsed, if they arrived together. */
  #source: Buffer | undefined;
  #repeated: DeltaMatcher | undefined;
  /** The number of successive events without a repetition. */
  #unrepeated = 0;

  /** @param toEvent reads a message; returns `undefined` for one to skip */
  constructor(
    private readonly varying: Varying,
    private readonly toEvent: (message: EventSourceMessage) => unknown,
  ) {}

  /** Adds bytes, once all events of the previous bytes were taken. */
  add(bytes: Buffer): void {
    this.#packet = new Packet(bytes);
    this.#at = 0;
  }

  /** Ends the last event; some servers leave out its blank line. */
  end(): void {
    this.#feed(`${this.#text.decode()}\n\n`);
  }

  /** Skips everything that is left. */
  drop(): void {
    this.#messages.length = this.#taken = 0;
    this.#packet = NOTHING;
    this.#at = 0;
  }

  /** The next event, valid until the next call; `undefined` when more bytes are needed. */
  take(): unknown {
    for (;;) {
      if (this.#taken < this.#messages.length) {
        const message = this.#messages[this.#taken++]!;
        const event = this.toEvent(message);
        if (event === undefined) continue;
        this.#learn(event);
        return event;
      }
      if (this.#at === this.#packet.length) return undefined;
      if (this.#repeats()) return this.#repeated!.event;
      this.#parse();
    }
  }

  #repeats(): boolean {
    if (!this.#isAtEvent || this.#repeated === undefined) return false;
    const end = this.#repeated.read(this.#packet, this.#at);
    if (end < 0) return false;
    this.#at = end;
    this.#unrepeated = 0;
    return true;
  }

  /** Parses the next part: up to the end of an event, while other events may repeat it. */
  #parse(): void {
    const { bytes, length } = this.#packet;
    const start = this.#at;
    const found = this.#unrepeated < MAX_UNREPEATED ? bytes.indexOf(EVENT_END, start) : -1;
    const isWhole = found >= 0;
    this.#at = isWhole ? found + EVENT_END.length : length;
    const part = bytes.subarray(start, this.#at);
    this.#feed(this.#text.decode(part, { stream: true }));
    // With other line ends there may be more than one.
    const isOne = this.#isAtEvent && isWhole && this.#messages.length === 1;
    this.#source = isOne ? part : undefined;
    this.#isAtEvent = isWhole;
  }

  #feed(text: string): void {
    this.#messages.length = this.#taken = 0;
    this.#parser.feed(text);
  }

  #learn(event: unknown): void {
    const repeated = this.#source && DeltaMatcher.of(new Packet(this.#source), event, this.varying);
    if (repeated === undefined) return;
    this.#repeated = repeated;
    this.#unrepeated++;
  }
}
