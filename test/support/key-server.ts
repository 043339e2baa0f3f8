import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WireFormat } from './wire/index.js';

/** A request that a {@link KeyServer} received. */
export interface KeyedRequest {
  readonly key: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

/** A provider on loopback that answers every request, whole or streamed, with the API key of the request. */
export class KeyServer {
  readonly requests: KeyedRequest[] = [];
  readonly #server;

  private constructor(wire: WireFormat) {
    this.#server = createServer((request, response) => {
      void (async () => {
        const pieces: Uint8Array[] = [];
        for await (const piece of request) pieces.push(piece as Uint8Array);
        const body = JSON.parse(Buffer.concat(pieces).toString()) as Record<string, unknown>;
        const key = keyOf(request.headers);
        this.requests.push({ key, headers: request.headers, body });
        const said = { text: key ?? 'no key', model: String(body['model']) };
        if (body['stream'] === true) {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          for (const frame of wire.stream(said)) response.write(frame);
          response.end();
        } else {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify(wire.answer(said)));
        }
      })();
    });
  }

  static async listen(wire: WireFormat): Promise<KeyServer> {
    const server = new KeyServer(wire);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The keys of the requests so far. */
  get keys(): (string | undefined)[] {
    return this.requests.map(({ key }) => key);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** OpenAI's key is a bearer token, Anthropic's has its own header. */
function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const own = headers['x-api-key'];
  return typeof own === 'string' ? own : headers.authorization?.replace('Bearer ', '');
}
