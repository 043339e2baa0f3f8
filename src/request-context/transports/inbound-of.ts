import type { ExecutionContext } from '@nestjs/common';
import { HttpInbound, type HttpRequest, type HttpResponse } from './http-inbound.js';
import type { InboundRequest } from './inbound-request.js';
import { Message } from './message.js';
import { rpcHeader, rpcPattern } from './rpc-header.js';

export type { EventSourceRequest } from '../../runs/event-source.js';
export type { InboundRequest as Inbound } from './inbound-request.js';

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
