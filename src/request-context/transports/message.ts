import { tap, type Observable } from 'rxjs';
import { clientLeftController } from './client-disconnect.js';
import type { InboundRequest } from './inbound-request.js';

/**
 * A message, of a WebSocket or to a microservice.
 *
 * Its answer stays subscribed as long as the client waits: the WebSocket adapters unsubscribe when the client
 * disconnects, gRPC when the call is cancelled. So nothing needs to listen to the connection, which lives longer.
 */
export class Message implements InboundRequest {
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
