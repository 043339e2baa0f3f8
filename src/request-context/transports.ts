import { setMaxListeners } from 'node:events';
import type { ExecutionContext } from '@nestjs/common';
import { type Observable, tap } from 'rxjs';
import { EventSourceRequest, type EventStreamResponse } from '../runs/request-context.js';

/** An inbound HTTP request, or one message. */
export interface InboundRequest {
  /** The object that identifies it in frames. */
  readonly request: object;
  /** Returns a header. */
  header(name: string): unknown;
  /**
   * A signal that fires when the client no longer waits for the answer; `undefined` if that cannot be detected. Called
   * once.
   */
  disconnectSignal(): AbortSignal | undefined;
  /** The request as one of a server-sent events client; only HTTP has them. */
  eventSource?(): EventSourceRequest | undefined;
  /** Watches the answer. */
  watch(answer: Observable<unknown>): Observable<unknown>;
}

export type { EventSourceRequest } from '../runs/request-context.js';

/** Nest's context types; `graphql` belongs to `@nestjs/graphql`. */
const WAYS_IN: Record<string, (host: ExecutionContext) => InboundRequest | undefined> = {
  http: (host) => {
    const http = host.switchToHttp();
    return new HttpInbound(http.getRequest<HttpRequest>(), http.getResponse<HttpResponse>());
  },

  // The handshake's headers belong to the connection: its ids are not the message's.
  ws: (host) => {
    const ws = host.switchToWs();
    const request = {
      client: ws.getClient<unknown>(),
      data: ws.getData<unknown>(),
      pattern: ws.getPattern(),
    };
    return new Message(request, () => undefined);
  },

  rpc: (host) => {
    const rpc = host.switchToRpc();
    const context = rpc.getContext<object | undefined>() ?? {};
    const request = { pattern: rpcPattern(context), data: rpc.getData<unknown>(), context };
    return new Message(request, (name) => rpcHeader(context, name));
  },

  // The HTTP request of the operation; if none is found, its resolvers have no context.
  graphql: (host) => {
    const { req, res } =
      host.getArgByIndex<
        { req?: HttpRequest & { res?: HttpResponse }; res?: HttpResponse } | undefined
      >(2) ?? {};
    return req && new HttpInbound(req, res ?? req.res);
  },
};

/** The inbound request or message, if its kind is known. */
export function inboundOf(host: ExecutionContext): InboundRequest | undefined {
  return WAYS_IN[host.getType()]?.(host);
}

/** The used part of a request of Express or Fastify. */
interface HttpRequest {
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** The used part of a response, of HTTP/1 and HTTP/2; Fastify's response contains Node's. */
interface HttpResponse extends EventStreamResponse {
  readonly raw?: HttpResponse;
  readonly destroyed?: boolean;
  readonly writableEnded?: boolean;
  readonly stream?: { readonly destroyed: boolean };
  once?(event: 'close' | 'finish', listener: () => void): unknown;
}

/** An HTTP request. */
class HttpInbound implements InboundRequest {
  constructor(
    readonly request: HttpRequest,
    private readonly response: HttpResponse | undefined,
  ) {}

  header(name: string): unknown {
    return this.request.headers?.[name];
  }

  /** Fires if the connection closes before the response was sent. */
  disconnectSignal(): AbortSignal | undefined {
    const response = this.response?.raw ?? this.response;
    if (typeof response?.once !== 'function') return undefined;
    const controller = clientLeftController();
    let isSent = false;
    const onClose = () => {
      if (!isSent) controller.abort(new Error('The client of the HTTP request left.'));
    };
    // The client may have disconnected while guards ran.
    if (response.destroyed ?? response.stream?.destroyed) onClose();
    // HTTP/2 also emits "finish" for responses that were cut off.
    response.once('finish', () => (isSent = response.writableEnded === true));
    response.once('close', onClose);
    return controller.signal;
  }

  eventSource(): EventSourceRequest | undefined {
    const response = this.response?.raw ?? this.response;
    const lastEventId = this.header('last-event-id');
    return response && new EventSourceRequest(textOf(lastEventId), response);
  }

  watch(answer: Observable<unknown>): Observable<unknown> {
    return answer;
  }
}

function textOf(header: unknown): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

/**
 * A message, of a WebSocket or to a microservice.
 *
 * Its answer stays subscribed as long as the client waits: the WebSocket adapters unsubscribe when the client
 * disconnects, gRPC when the call is cancelled. So nothing needs to listen to the connection, which lives longer.
 */
class Message implements InboundRequest {
  readonly #left = clientLeftController();

  constructor(
    readonly request: object,
    readonly header: (name: string) => unknown,
  ) {}

  disconnectSignal(): AbortSignal {
    return this.#left.signal;
  }

  watch(answer: Observable<unknown>): Observable<unknown> {
    return answer.pipe(
      tap({
        unsubscribe: () => this.#left.abort(new Error('Nobody waits for the answer any more.')),
      }),
    );
  }
}

/** The headers of a message: a record, or an object with a `get` method, as with gRPC and NATS. */
type Headers = Record<string, unknown> & { get?(name: string): unknown };

/** The used part of the contexts of `@nestjs/microservices`. */
interface RpcContext {
  getHeaders?(): Headers | undefined;
  getMetadata?(): Headers | undefined;
  getMessage?(): { headers?: Headers; properties?: { headers?: Headers } } | undefined;
  getPacket?(): { properties?: { userProperties?: Headers } } | undefined;
  getPattern?(): unknown;
  getSubject?(): unknown;
  getTopic?(): unknown;
  getChannel?(): unknown;
}

/** A header of a message, if its transport has headers. */
function rpcHeader(context: RpcContext, name: string): unknown {
  const headers = headersOf(context);
  const value = typeof headers.get === 'function' ? headers.get(name) : headers[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return Buffer.isBuffer(first) ? first.toString() : first;
}

/** The target of a message: a pattern, a subject, a topic or a channel; gRPC methods have none. */
function rpcPattern(context: RpcContext): unknown {
  return (
    context.getPattern?.() ??
    context.getSubject?.() ??
    context.getTopic?.() ??
    context.getChannel?.()
  );
}

/** For gRPC and unknown transports, the context itself holds the headers. */
function headersOf(context: RpcContext): Headers {
  return (
    context.getHeaders?.() ?? // NATS
    context.getMetadata?.() ?? // TCP and Redis, from Nest 12
    context.getMessage?.()?.headers ?? // Kafka
    context.getMessage?.()?.properties?.headers ?? // RabbitMQ
    context.getPacket?.()?.properties?.userProperties ?? // MQTT
    (context as Headers)
  );
}

/** The controller of a disconnect signal, which any number of runs may listen to. */
function clientLeftController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(Infinity, controller.signal);
  return controller;
}
