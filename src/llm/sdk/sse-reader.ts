import type { EventSourceMessage } from 'eventsource-parser';
import { EventParser } from './event-parser.js';
import type { Varying } from './repeated-event.js';
import { thrownInBody } from './error-in-body.js';
import { toldError } from './told-error.js';
import { readToEnd, type WireReader } from './wire-reader.js';

/** Both providers stream by server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html */
const EVENT_STREAM = 'text/event-stream';

/** OpenAI's end marker. */
const DONE = '[DONE]';

/**
 * Reads the raw answer of an SDK's request: all events of a packet at once, where the SDKs' own streams look at each
 * byte and make some ten promises an event.
 */
export class SseReader implements WireReader {
  readonly #body: ReadableStreamDefaultReader<Uint8Array | string>;
  readonly #events: EventParser;
  #isDone = false;
  #hasEnded = false;

  /** A reader for the answer, if it is an event stream; not for bodies of Node's kind, which other `fetch`es give. */
  static of({ headers, body }: Response, varying: Varying): SseReader | undefined {
    const isEventStream = headers.get('content-type')?.includes(EVENT_STREAM);
    return isEventStream && typeof body?.getReader === 'function'
      ? new SseReader(body, varying)
      : undefined;
  }

  constructor(body: ReadableStream<Uint8Array | string>, varying: Varying) {
    this.#body = body.getReader();
    this.#events = new EventParser(varying, (message) => this.#read(message));
  }

  take(): unknown {
    return this.#events.take();
  }

  async read(): Promise<boolean> {
    if (this.#isDone) {
      void this.leave();
      return false;
    }
    if (this.#hasEnded) return false;
    const { done, value } = await this.#body.read();
    this.#hasEnded = done;
    if (done) this.#events.end();
    else this.#events.add(toBuffer(value));
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

  /** What a message says; `undefined` where that is of no interest. */
  #read({ data, event }: EventSourceMessage): unknown {
    // As the SDK has it, whatever else that line says.
    if (data.startsWith(DONE)) {
      this.#isDone = true;
      this.#events.drop();
      return undefined;
    }
    if (event === 'error') throw streamError(data);
    // Signs of life, in no form that all servers agree on.
    if (event === 'ping' || data === '') return undefined;
    const parsed = this.#parse(data);
    const failure = thrownInBody(parsed);
    if (failure !== undefined) throw failure;
    return parsed;
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

/** A `fetch` that is mocked may give text, which the SDKs take as well. */
function toBuffer(packet: Uint8Array | string): Buffer {
  return typeof packet === 'string'
    ? Buffer.from(packet)
    : Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
}

/** An error that the provider streamed; some say it in plain text. */
function streamError(data: string): Error {
  try {
    return toldError(JSON.parse(data));
  } catch {
    return Object.assign(new Error(data), { type: 'api_error' });
  }
}
