import { createParser, type EventSourceMessage, type EventSourceParser } from 'eventsource-parser';
import { LlmResponseError } from '../../errors/index.js';
import { toldError } from './told-error.js';
import { readToEnd, type WireReader } from './wire-reader.js';

/** Both providers stream by server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html */
const EVENT_STREAM = 'text/event-stream';

/** No event is that long; a server that never ends a line must not fill the memory. In characters. */
const MAX_EVENT_LENGTH = 32 * 1024 * 1024;

/** OpenAI's end marker. */
const DONE = '[DONE]';

/**
 * Reads the raw answer of an SDK's request: all events of a packet at once, where the SDKs' own streams look at each
 * byte and make some ten promises an event.
 */
export class SseReader implements WireReader {
  readonly #body: ReadableStreamDefaultReader<Uint8Array>;
  readonly #text = new TextDecoder();
  readonly #parser: EventSourceParser;
  #messages: EventSourceMessage[] = [];
  #taken = 0;
  #isDone = false;
  #hasEnded = false;

  /** A reader for the answer, if it is an event stream; not for bodies of Node's kind, which other `fetch`es give. */
  static of({ headers, body }: Response): SseReader | undefined {
    const isEventStream = headers.get('content-type')?.includes(EVENT_STREAM);
    return isEventStream && typeof body?.getReader === 'function' ? new SseReader(body) : undefined;
  }

  constructor(body: ReadableStream<Uint8Array>) {
    this.#body = body.getReader();
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
    while (!this.#isDone && this.#taken < this.#messages.length) {
      const { data, event } = this.#messages[this.#taken++]!;
      // As the SDK has it, whatever else that line says.
      if (data.startsWith(DONE)) {
        this.#isDone = true;
        return undefined;
      }
      if (event === 'error') throw streamError(data);
      // Signs of life, in no form that all servers agree on.
      if (event === 'ping' || data === '') continue;
      const parsed = this.#parse(data);
      if ((parsed as { error?: unknown } | null | undefined)?.error) throw streamError(data);
      return parsed;
    }
    return undefined;
  }

  async read(): Promise<boolean> {
    this.#messages = [];
    this.#taken = 0;
    for (;;) {
      if (this.#isDone) {
        void this.leave();
        return false;
      }
      const { done, value } = await this.#body.read();
      this.#hasEnded = done;
      // Some servers leave out the blank line after the last event.
      this.#parser.feed(done ? `${this.#text.decode()}\n\n` : this.#decode(value));
      if (this.#messages.length > 0) return true;
      if (done) return false;
    }
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

  /** A `fetch` that is mocked may give text, which the SDKs take as well. */
  #decode(packet: Uint8Array | string): string {
    return typeof packet === 'string' ? packet : this.#text.decode(packet, { stream: true });
  }

  #parse(data: string): unknown {
    try {
      return JSON.parse(data) as unknown;
    } catch (error) {
      // The standard has an event dropped within which the stream ends; decoders know whether it is missed.
      if (this.#hasEnded) return undefined;
      throw error;
    }
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
