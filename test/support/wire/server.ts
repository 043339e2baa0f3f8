import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { defer, type Deferred } from './defer.js';

/** One request that a server received, and its outcome. */
export interface Exchange {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
  /** The body as it was sent. */
  readonly text: string;
  readonly response: ServerResponse;
  /** Settles when the exchange is over: `true` when the client disconnected before the answer was complete. */
  readonly aborted: Promise<boolean>;
}

/** How a request is answered. */
export type Serve = (exchange: Exchange) => void | Promise<void>;

/** A provider on loopback that answers each request with the given bytes. */
export class WireServer {
  /** The requests so far. */
  readonly exchanges: Exchange[] = [];
  readonly #server = createServer((request, response) => void this.#onRequest(request, response));
  readonly #answers: Serve[] = [];
  readonly #arrivals: Deferred<void>[] = [];

  /** Starts a server on a free port. */
  static async listen(): Promise<WireServer> {
    const server = new WireServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Sets the answers to the next requests, in order. */
  answers(...answers: readonly Serve[]): void {
    this.#answers.push(...answers);
  }

  /** Removes the answers that were not requested. */
  discardAnswers(): void {
    this.#answers.length = 0;
  }

  /** The request with the given index, from 0, after it has arrived. */
  async exchange(number: number): Promise<Exchange> {
    await this.#arrival(number).promise;
    return this.exchanges[number]!;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #arrival(number: number): Deferred<void> {
    return (this.#arrivals[number] ??= defer());
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const closed = once(response, 'close');
    const pieces: Uint8Array[] = [];
    for await (const piece of request) pieces.push(piece as Uint8Array);
    const text = Buffer.concat(pieces).toString();
    const exchange: Exchange = {
      path: request.url!,
      headers: request.headers,
      body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
      text,
      response,
      aborted: closed.then(() => !response.writableFinished),
    };
    const number = this.exchanges.push(exchange) - 1;
    this.#arrival(number).resolve();
    const serve = this.#answers.shift();
    if (serve) await serve(exchange);
    else response.writeHead(418).end('The test has no more answers.');
  }
}
