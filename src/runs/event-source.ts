import type { MessageEvent } from '@nestjs/common';

/** Stops an `EventSource`: it does not reconnect. */
const NO_CONTENT = 204;

/** The used part of Node's response, of HTTP/1 and HTTP/2. */
export interface EventStreamResponse {
  readonly headersSent?: boolean;
  readonly statusCode?: number;
  writeHead?(status: number, ...headers: unknown[]): unknown;
}

/** The inbound request of an `@Sse()` handler. */
export class EventSourceRequest {
  /** Weak, because retained events retain their context, longer than a response should live. */
  readonly #response: WeakRef<EventStreamResponse>;
  #isOpened = false;

  constructor(
    /** The id of the last event that the client received before it reconnected. */
    readonly lastEventId: string | undefined,
    response: EventStreamResponse,
  ) {
    this.#response = new WeakRef(response);
  }

  /**
   * An id without an event, to send if the first event is slow: a client that is cut off before the first event then
   * still sends `Last-Event-ID`. `undefined` once sent; Nest numbers the events from 1.
   */
  firstId(): MessageEvent | undefined {
    if (this.#isOpened) return undefined;
    this.#isOpened = true;
    return { id: '0' };
  }

  /** Whether the response's status was sent. */
  get isAnswered(): boolean {
    return this.#response.deref()?.headersSent === true;
  }

  /** Responds to the request with 204, whatever is sent later. Returns `false` if another status was already sent. */
  refuse(): boolean {
    const response = this.#response.deref();
    if (response === undefined) return false;
    if (response.headersSent === true) return response.statusCode === NO_CONTENT;
    const writeHead = response.writeHead?.bind(response);
    if (writeHead === undefined) return false;
    // Nest may have read the status before the handler was called; setting it would be too late.
    response.writeHead = (_status, ...headers) => writeHead(NO_CONTENT, ...headers);
    return true;
  }
}
