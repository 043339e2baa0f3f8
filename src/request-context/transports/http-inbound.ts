import type { Observable } from 'rxjs';
import { clientLeftController } from './client-disconnect.js';
import { EventSourceRequest, type EventStreamResponse } from '../../runs/event-source.js';
import type { InboundRequest } from './inbound-request.js';

/** What is used of a request of Express or Fastify. */
export interface HttpRequest {
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** What is used of a response, of HTTP/1 and HTTP/2; Fastify's has Node's inside. */
export interface HttpResponse extends EventStreamResponse {
  readonly raw?: HttpResponse;
  readonly destroyed?: boolean;
  readonly writableEnded?: boolean;
  readonly stream?: { readonly destroyed: boolean };
  once?(event: 'close' | 'finish', listener: () => void): unknown;
}

/** An HTTP request. */
export class HttpInbound implements InboundRequest {
  constructor(
    readonly request: HttpRequest,
    private readonly response: HttpResponse | undefined,
  ) {}

  header(name: string): unknown {
    return this.request.headers?.[name];
  }

  /** Fires when the connection closes before the response was sent. */
  disconnectSignal(): AbortSignal | undefined {
    const response = this.response?.raw ?? this.response;
    if (typeof response?.once !== 'function') return undefined;
    const controller = clientLeftController();
    let isSent = false;
    const onClose = () => {
      if (!isSent) controller.abort(new Error('The client of the HTTP request left.'));
    };
    // Guards may have taken longer than the client had patience.
    if (response.destroyed ?? response.stream?.destroyed) onClose();
    // HTTP/2 says "finish" of responses that were broken off, too.
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
