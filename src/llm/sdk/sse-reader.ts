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

  /** A reader for the answer, if it is an event stream. */
  static of(response: Response): SseReader | undefined {
    const type = response.headers.get('content-type');
    return type?.includes(EVENT_STREAM) && response.body ? new SseReader(response.body) : undefined;
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
    if (this.#isDone || this.#taken === this.#messages.length) return undefined;
    const { data, event } = this.#messages[this.#taken++]!;
    if (data === DONE) {
      this.#isDone = true;
      return undefined;
    }
    if (event === 'error') throw streamError(data);
    const parsed: unknown = JSON.parse(data);
    if ((parsed as { error?: unknown } | null)?.error) throw streamError(data);
    return parsed;
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
      // Some servers leave out the blank line after the last event.
      this.#parser.feed(
        done ? `${this.#text.decode()}\n\n` : this.#text.decode(value, { stream: true }),
      );
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
}

/** An error that the provider streamed; some say it in plain text. */
function streamError(data: string): Error {
  try {
    return toldError(JSON.parse(data));
  } catch {
    return Object.assign(new Error(data), { type: 'api_error' });
  }
}
