import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import { Packet } from './packet.js';
import { DeltaMatcher, type Varying } from './delta-matcher.js';

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
