import type { Observable } from 'rxjs';
import type { EventSourceRequest } from '../../runs/event-source.js';

/** What asks the application for something: an HTTP request, or one message. */
export interface InboundRequest {
  /** One object each, which stands for it in frames. */
  readonly request: object;
  /** A header that came with it. */
  header(name: string): unknown;
  /** Fires when nobody waits for the answer any more; `undefined` where that cannot be seen. Is asked for once. */
  disconnectSignal(): AbortSignal | undefined;
  /** The request as that of a client of server-sent events; HTTP alone has them. */
  eventSource?(): EventSourceRequest | undefined;
  /** Watches the answer. */
  watch(answer: Observable<unknown>): Observable<unknown>;
}
