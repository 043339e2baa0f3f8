import type { EventSourceMessage } from 'eventsource-parser';
import { LlmResponseError } from '../../../errors/llm-errors.js';
import { thrownInBody, toStreamError } from './map-error.js';
import { EventParser, type Varying } from './sse-parser.js';
import { WholeBody } from './observed-fetch.js';
import { readToEnd, WholeAnswer, type WireReader } from './wire-values.js';

const EVENT_STREAM = 'text/event-stream';

/** OpenAI's end marker. */
const DONE = '[DONE]';

/**
 * Reads the raw answer of an SDK's request, server-sent events,
 * https://html.spec.whatwg.org/multipage/server-sent-events.html: all events of a packet at once, while the SDKs' own
 * streams examine each byte and create some ten promises per event. The content counts, not the content type: an answer
 * that is JSON from its first byte is a whole one.
 */
export class SseReader implements WireReader {
  isDone = false;
  readonly #body: ReadableStreamDefaultReader<Uint8Array | string>;
  readonly #events: EventParser;
  #hasEnded = false;
  /** Whether a byte other than white space has arrived. */
  #isBegun = false;
  #hasEvents = false;
  #whole: WholeBody | undefined;

  /** A reader for the answer, if its body is a web stream; other `fetch`es return Node streams. */
  static of(
    provider: string,
    { headers, body }: Response,
    varying: Varying,
  ): SseReader | undefined {
    if (typeof body?.getReader !== 'function') return undefined;
    const reader = new SseReader(provider, body, varying);
    // An event stream that breaks off before its first event is still a stream.
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

  /** A body without a single event is not a stream: a proxy's plain text, for instance. */
  #endOfBody(): false {
    if (this.#isBegun && !this.#hasEvents && this.#whole === undefined)
      throw noStream(this.provider);
    return false;
  }

  /** The content of a message; `undefined` if it is irrelevant. */
  #read({ data, event }: EventSourceMessage): unknown {
    this.#hasEvents = true;
    // Like the SDK, whatever else the line holds.
    if (data.startsWith(DONE)) {
      this.isDone = true;
      this.#events.drop();
      return undefined;
    }
    if (event === 'error') throw streamError(data);
    // Keep-alives, whose form differs between servers.
    if (event === 'ping' || data === '') return undefined;
    return this.#parse(data);
  }

  #parse(data: string): unknown {
    try {
      return JSON.parse(data) as unknown;
    } catch (error) {
      // The standard drops an event that the end of the stream cuts; decoders detect whether it is missing.
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

/** The first byte that is not white space. */
function firstByte(bytes: Buffer): number | undefined {
  return bytes.find((byte) => byte > SPACE && !BYTE_ORDER_MARK.includes(byte));
}

/** A mocked `fetch` may return text, which the SDKs accept as well. */
function toBuffer(packet: Uint8Array | string): Buffer {
  return typeof packet === 'string'
    ? Buffer.from(packet)
    : Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
}

/** An error that the provider streamed; some send it as plain text. */
function streamError(data: string): Error {
  try {
    const body: unknown = JSON.parse(data);
    return thrownInBody(body) ?? toStreamError(body);
  } catch {
    return Object.assign(new Error(data), { type: 'api_error' });
  }
}
