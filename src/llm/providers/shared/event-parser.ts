import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import { Packet } from './packet.js';
import { DeltaMatcher, type Varying } from './delta-matcher.js';

/** No event is that long; a server that never ends a line must not fill the memory. In characters. */
const MAX_EVENT_LENGTH = 32 * 1024 * 1024;

/** The blank line behind an event. Where lines end in other ways, all events are parsed. */
const EVENT_END = Buffer.from('\n\n');
const NOTHING = new Packet(Buffer.alloc(0));

/** After so many events that no other has repeated, a stream is only parsed. */
const MAX_UNREPEATED = 8;

/** Makes events of the bytes of an event stream: parses them, unless they repeat the last one but for what varies. */
export class EventParser {
  readonly #text = new TextDecoder();
  readonly #messages: EventSourceMessage[] = [];
  /** How many of them were taken. */
  #taken = 0;
  readonly #parser = createParser({
    onEvent: (message) => this.#messages.push(message),
    maxBufferSize: MAX_EVENT_LENGTH,
    onError: ({ type }) => {
      // Everything else that is not understood is to be ignored, says the standard.
      if (type === 'max-buffer-size-exceeded')
        throw new LlmResponseError('A streamed event is too long.');
    },
  });
  #packet = NOTHING;
  /** How much of the packet was taken. */
  #at = 0;
  /** Whether an event begins there. */
  #isAtEvent = true;
  /** The bytes of the event that is being parsed, if they came together. */
  #source: Buffer | undefined;
  #repeated: DeltaMatcher | undefined;
  /** How many in a row nothing has repeated. */
  #unrepeated = 0;

  /** @param toEvent reads a message; gives `undefined` for one that is to be passed over */
  constructor(
    private readonly varying: Varying,
    private readonly toEvent: (message: EventSourceMessage) => unknown,
  ) {}

  /** Goes on with more bytes, once all events of those before were taken. */
  add(bytes: Buffer): void {
    this.#packet = new Packet(bytes);
    this.#at = 0;
  }

  /** Ends the last event; some servers leave out its blank line. */
  end(): void {
    this.#feed(`${this.#text.decode()}\n\n`);
  }

  /** Passes over all that is left. */
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

  /** Parses what comes next: up to the end of an event, as long as others may repeat it. */
  #parse(): void {
    const { bytes, length } = this.#packet;
    const start = this.#at;
    const found = this.#unrepeated < MAX_UNREPEATED ? bytes.indexOf(EVENT_END, start) : -1;
    const isWhole = found >= 0;
    this.#at = isWhole ? found + EVENT_END.length : length;
    const part = bytes.subarray(start, this.#at);
    this.#feed(this.#text.decode(part, { stream: true }));
    // Between other line ends there may be more than one.
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
