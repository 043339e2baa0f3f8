import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import { LlmResponseError } from '../../errors/index.js';
import { Packet } from './packet.js';
import { RepeatedEvent, type Varying } from './repeated-event.js';
import { toldError } from './told-error.js';
import { readToEnd, type WireReader } from './wire-reader.js';

/** Both providers stream by server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html */
const EVENT_STREAM = 'text/event-stream';

/** No event is that long; a server that never ends a line must not fill the memory. In characters. */
const MAX_EVENT_LENGTH = 32 * 1024 * 1024;

/** OpenAI's end marker. */
const DONE = '[DONE]';

/** The blank line behind an event. Where lines end in other ways, everything is parsed. */
const EVENT_END = Buffer.from('\n\n');
const NOTHING = new Packet(Buffer.alloc(0));
/** From then on, a stream is not worth the search for what its events have in common. */
const MAX_UNREPEATED = 8;

/**
 * Reads the raw answer of an SDK's request: all events of a packet at once, where the SDKs' own streams look at each
 * byte and make some ten promises an event.
 */
export class SseReader implements WireReader {
  readonly #body: ReadableStreamDefaultReader<Uint8Array>;
  readonly #varying: Varying;
  readonly #text = new TextDecoder();
  readonly #parser: EventSourceParser;
  readonly #messages: EventSourceMessage[] = [];
  #packet = NOTHING;
  /** How much of the packet was read. */
  #at = 0;
  /** Whether the next event begins there. */
  #isAtEvent = false;
  /** The bytes of the one event that was parsed last; absent where they came in pieces. */
  #source: Buffer | undefined;
  #repeated: RepeatedEvent | undefined;
  /** How many events in a row were of no use, because nothing repeated them. */
  #unrepeated = 0;
  #isDone = false;

  /** A reader for the answer, if it is an event stream. */
  static of(response: Response, varying: Varying): SseReader | undefined {
    const type = response.headers.get('content-type');
    return type?.includes(EVENT_STREAM) && response.body
      ? new SseReader(response.body, varying)
      : undefined;
  }

  constructor(body: ReadableStream<Uint8Array>, varying: Varying) {
    this.#body = body.getReader();
    this.#varying = varying;
    this.#parser = createParser({
      onEvent: (message) => this.#messages.push(message),
      maxBufferSize: MAX_EVENT_LENGTH,
      onError: ({ type }) => {
        // Everything else that is not understood is to be ignored, says the standard.
        if (type === 'max-buffer-size-exceeded')
          throw new LlmResponseError('A streamed event is too long.');
      },
    });
  }

  take(): unknown {
    while (!this.#isDone) {
      const message = this.#messages.shift();
      if (message !== undefined) return this.#parse(message);
      if (this.#at === this.#packet.bytes.length) return undefined;
      if (this.#isAtEvent && this.#repeated !== undefined) {
        const end = this.#repeated.read(this.#packet, this.#at);
        if (end >= 0) {
          this.#at = end;
          this.#unrepeated = 0;
          return this.#repeated.event;
        }
      }
      this.#feed();
    }
    return undefined;
  }

  async read(): Promise<boolean> {
    if (this.#isDone) {
      void this.leave();
      return false;
    }
    const { done, value } = await this.#body.read();
    if (done) {
      // Some servers leave out the blank line after the last event.
      this.#parser.feed(`${this.#text.decode()}\n\n`);
      return this.#messages.length > 0;
    }
    this.#packet = new Packet(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    this.#at = 0;
    return true;
  }

  async close(): Promise<void> {
    await this.#body.cancel();
  }

  leave(): Promise<void> {
    return readToEnd(
      () => this.#body.read(),
      () => this.close(),
    );
  }

  /** Has what comes next parsed: one event, as long as others may repeat it. */
  #feed(): void {
    const { bytes } = this.#packet;
    const start = this.#at;
    const found = this.#unrepeated < MAX_UNREPEATED ? bytes.indexOf(EVENT_END, start) : -1;
    const end = found < 0 ? bytes.length : found + EVENT_END.length;
    const part = bytes.subarray(start, end);
    this.#source = this.#isAtEvent && found >= 0 ? part : undefined;
    this.#isAtEvent = found >= 0;
    this.#at = end;
    this.#parser.feed(this.#text.decode(part, { stream: true }));
  }

  #parse({ data, event }: EventSourceMessage): unknown {
    if (data === DONE) {
      this.#isDone = true;
      return undefined;
    }
    if (event === 'error') throw streamError(data);
    const parsed: unknown = JSON.parse(data);
    if ((parsed as { error?: unknown } | null)?.error) throw streamError(data);
    if (this.#source !== undefined) {
      const repeated = RepeatedEvent.of(new Packet(this.#source), parsed, this.#varying);
      if (repeated !== undefined) {
        this.#repeated = repeated;
        this.#unrepeated++;
      }
    }
    return parsed;
  }
}

/** An error that the provider streamed; some say it in plain text. */
function streamError(data: string): Error {
  try {
    return toldError(JSON.parse(data));
  } catch {
    return Object.assign(new Error(data), { type: 'api_error' });
  }
}
