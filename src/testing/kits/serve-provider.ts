import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  ProviderServer,
  ReceivedRequest,
  ScriptedAnswer,
  ScriptedEmbeddings,
  ScriptedError,
  ScriptedReply,
} from './provider-server.js';

/** A part of a stream, as text or bytes. */
export type WireFrame = string | Uint8Array;

/** A format of requests and answers over HTTP: how it writes what is scripted. */
export interface ProviderWire {
  /** The JSON body of a whole answer. */
  whole(answer: ScriptedAnswer): object;
  /** A stream up to its last piece: one frame for each piece at least. */
  pieces(answer: ScriptedAnswer): readonly WireFrame[];
  /** What follows the last piece of a complete stream: finish reason, usage, end marker. */
  end(answer: ScriptedAnswer): readonly WireFrame[];
  /** The JSON body of embeddings; for `describeProvider()` with `embeddings: true`. */
  embeddings?(reply: ScriptedEmbeddings): object;
  /** The JSON body of an error; its status and `retry-after` are sent anyway. */
  error(error: ScriptedError): object;
  /** The frame of an error inside a stream; without it, give `describeProvider()` no `streamErrors`. */
  streamError?(error: ScriptedError): WireFrame;
  /**
   * The content type of a stream.
   * @default 'text/event-stream'
   */
  readonly streamType?: string;
}

/**
 * Starts a server on a free port of this machine that answers any request in the given format; for
 * `describeProvider()`.
 *
 * @example
 * ```ts
 * describeProvider((url) => new MyProvider(url), () => serveProvider(myWire));
 * ```
 */
export async function serveProvider(wire: ProviderWire): Promise<ProviderServer> {
  const server = new HttpProviderServer(wire);
  await server.listen();
  return server;
}

class HttpProviderServer implements ProviderServer {
  readonly requests: ReceivedRequest[] = [];
  readonly #replies: ScriptedReply[] = [];
  readonly #server = createServer((request, response) => void this.#onRequest(request, response));

  constructor(private readonly wire: ProviderWire) {}

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  reply(reply: ScriptedReply): void {
    if (reply.type === 'embeddings' && this.wire.embeddings === undefined) {
      throw new Error(
        'serveProvider() needs a format with a function `embeddings`, which writes embeddings as JSON: add it, or give describeProvider() no `embeddings: true`.',
      );
    }
    this.#replies.push(reply);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      response.once('close', () => {
        if (!response.writableFinished) resolve();
      });
    });
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    this.requests.push({ body: Buffer.concat(pieces).toString(), aborted });
    const reply = this.#replies.shift();
    if (reply === undefined) response.writeHead(418).end('The test expects no such request.');
    else await this.#send(reply, response);
  }

  #send(reply: ScriptedReply, response: ServerResponse): void | Promise<void> {
    switch (reply.type) {
      case 'answer':
        if (reply.streamed) return this.#stream(reply, response);
        return sendJson(response, 200, this.wire.whole(reply));
      case 'embeddings':
        return sendJson(response, 200, this.wire.embeddings?.(reply) ?? {});
      case 'error':
        return sendJson(response, reply.status, this.wire.error(reply), reply.retryAfterMs);
      case 'malformed':
        return void response
          .writeHead(200, { 'content-type': 'text/html' })
          .end('<html><body>Welcome to this network.</body></html>');
      case 'lost':
        return void response.socket?.destroy();
      case 'silence':
        return;
    }
  }

  async #stream(answer: ScriptedAnswer, response: ServerResponse): Promise<void> {
    const { ending } = answer;
    const frames = [...this.wire.pieces(answer)];
    if (ending === 'end') frames.push(...this.wire.end(answer));
    if (typeof ending === 'object') frames.push(this.wire.streamError?.(ending) ?? '');
    const contentType = this.wire.streamType ?? 'text/event-stream';
    response.writeHead(200, { 'content-type': contentType }).flushHeaders();
    response.socket?.setNoDelay(true);
    for (const packet of packetsOf(frames, answer.packets)) {
      if (!response.write(packet)) await once(response, 'drain');
      // Sent on its own, and before what follows.
      await new Promise(setImmediate);
    }
    if (ending === 'lost') response.socket?.end();
    else if (ending !== 'stall') response.end();
  }
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  retryAfterMs?: number,
): void {
  const wait = retryAfterMs !== undefined && {
    'retry-after': String(Math.floor(retryAfterMs / 1_000)),
    'retry-after-ms': String(retryAfterMs),
  };
  response.writeHead(status, { 'content-type': 'application/json', ...wait });
  response.end(JSON.stringify(body));
}

function packetsOf(frames: readonly WireFrame[], packets: ScriptedAnswer['packets']): Uint8Array[] {
  const sent = frames.map((frame) => (typeof frame === 'string' ? Buffer.from(frame) : frame));
  if (packets === 'frames') return sent;
  const all = Buffer.concat(sent);
  return packets === 'one' ? [all] : Array.from(all, (byte) => Uint8Array.of(byte));
}
