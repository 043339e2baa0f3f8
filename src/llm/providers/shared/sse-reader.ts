import type { EventSourceMessage } from 'eventsource-parser';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import { thrownInBody } from './error-in-body.js';
import { EventParser } from './event-parser.js';
import type { Varying } from './delta-matcher.js';
import { toStreamError } from './stream-error.js';
import { WholeBody } from './whole-body.js';
import { readToEnd, WholeAnswer, type WireReader } from './wire-reader.js';

const EVENT_STREAM = 'text/event-stream';

/** OpenAI's end marker. */
const DONE = '[DONE]';

/**
 * Reads the raw answer of an SDK's request, server-sent events,
 * https://html.spec.whatwg.org/multipage/server-sent-events.html: all events of a packet at once, where the SDKs' own
 * streams look at each byte and make some ten promises an event. What is there counts, and not its content type: an
 * answer that is JSON from its first byte is a whole one.
 */
export class SseReader implements WireReader {
  isDone = false;
  readonly #body: ReadableStreamDefaultReader<Uint8Array | string>;
  readonly #events: EventParser;
  #hasEnded = false;
  /** Whether some byte but white space has come. */
  #isBegun = false;
  #hasEvents = false;
  #whole: WholeBody | undefined;

  /** A reader for the answer, if its body is of the web's kind; other `fetch`es give bodies of Node's kind. */
  static of(
    provider: string,
    { headers, body }: Response,
    varying: Varying,
  ): SseReader | undefined {
    if (typeof body?.getReader !== 'function') return undefined;
    const reader = new SseReader(provider, body, varying);
    // One that breaks off before its first event is a stream nevertheless.
    reader.#hasEvents = headers.get('content-type')?.includes(EVENT_STREAM) === true;
    return reader;
  }

  constructor(
    private readonly provider: string,
    body: ReadableStream<Uint8Array | string>,
    varying: Varying,
  ) {
    this.#body = body.getReader();
    this.#events = new EventParser(varying, (message) => this.#read(message));
  }

  take(): unknown {
    if (this.#whole === undefined) return this.#events.take();
    if (!this.#hasEnded) return undefined;
    const answer = this.#whole.take();
    return answer === undefined ? undefined : new WholeAnswer(answer);
  }

  async read(): Promise<boolean> {
    if (this.isDone) {
      void this.leave();
      return false;
    }
    if (this.#hasEnded) return this.#endOfBody();
    const { done, value } = await this.#body.read();
    this.#hasEnded = done;
    if (done) this.#end();
    else this.#add(toBuffer(value));
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

  #add(bytes: Buffer): void {
    if (!this.#isBegun) {
      const first = firstByte(bytes);
      this.#isBegun = first !== undefined;
      if (WholeBody.canBegin(first)) this.#whole = new WholeBody(this.provider);
    }
    if (this.#whole === undefined) this.#events.add(bytes);
    else this.#whole.add(bytes);
  }

  #end(): void {
    if (this.#whole === undefined) this.#events.end();
    else this.isDone = true;
  }

  /** A body without a single event is none of a stream: a proxy's plain text, say. */
  #endOfBody(): false {
    if (this.#isBegun && !this.#hasEvents && this.#whole === undefined)
      throw noStream(this.provider);
    return false;
  }

  /** What a message says; `undefined` where that is of no interest. */
  #read({ data, event }: EventSourceMessage): unknown {
    this.#hasEvents = true;
    // As the SDK has it, whatever else that line says.
    if (data.startsWith(DONE)) {
      this.isDone = true;
      this.#events.drop();
      return undefined;
    }
    if (event === 'error') throw streamError(data);
    // Signs of life, in no form that all servers agree on.
    if (event === 'ping' || data === '') return undefined;
    return this.#parse(data);
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

function noStream(provider: string): Error {
  return new LlmResponseError(`${provider} sent no event stream: check the base URL.`);
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const SPACE = 0x20;

/** The first byte that is no white space. */
function firstByte(bytes: Buffer): number | undefined {
  return bytes.find((byte) => byte > SPACE && !BYTE_ORDER_MARK.includes(byte));
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
    const body: unknown = JSON.parse(data);
    return thrownInBody(body) ?? toStreamError(body);
  } catch {
    return Object.assign(new Error(data), { type: 'api_error' });
  }
}
