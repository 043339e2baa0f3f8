import type { MessageEvent } from '@nestjs/common';

/** Ends an `EventSource`: it does not connect again. */
const NO_CONTENT = 204;

/** What is used of Node's response, of HTTP/1 and HTTP/2. */
export interface EventStreamResponse {
  readonly headersSent?: boolean;
  readonly statusCode?: number;
  writeHead?(status: number, ...headers: unknown[]): unknown;
}

/** The inbound request of an `@Sse()` handler. */
export class EventSourceRequest {
  /** Contexts are kept by those who keep events, longer than a response should be. */
  readonly #response: WeakRef<EventStreamResponse>;
  #isOpened = false;

  constructor(
    /** The id of the last event that the client received before it connected again. */
    readonly lastEventId: string | undefined,
    response: EventStreamResponse,
  ) {
    this.#response = new WeakRef(response);
  }

  /**
   * An id without an event, to be sent where the first event takes its time: a client that is cut off before it sends
   * `Last-Event-ID` all the same. `undefined` once it was sent; Nest numbers the events from 1.
   */
  firstId(): MessageEvent | undefined {
    if (this.#isOpened) return undefined;
    this.#isOpened = true;
    return { id: '0' };
  }

  /** Whether a status was sent. */
  get isAnswered(): boolean {
    return this.#response.deref()?.headersSent === true;
  }

  /** Has the request answered by 204, whatever is sent. Returns `false` where another status was sent already. */
  refuse(): boolean {
    const response = this.#response.deref();
    if (response === undefined) return false;
    if (response.headersSent === true) return response.statusCode === NO_CONTENT;
    const writeHead = response.writeHead?.bind(response);
    if (writeHead === undefined) return false;
    // Nest may have read the status before the handler was called, so that to set it comes too late.
    response.writeHead = (_status, ...headers) => writeHead(NO_CONTENT, ...headers);
    return true;
  }
}
