import type { Observable } from 'rxjs';
import { clientLeftController } from './client-disconnect.js';
import { EventSourceRequest, type EventStreamResponse } from '../../runs/event-source.js';
import type { InboundRequest } from './inbound-request.js';

/** The used part of a request of Express or Fastify. */
export interface HttpRequest {
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** The used part of a response, of HTTP/1 and HTTP/2; Fastify's response contains Node's. */
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
