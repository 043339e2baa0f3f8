import type { Observable } from 'rxjs';
import type { EventSourceRequest } from '../../runs/event-source.js';

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
