import type { CallbackEvent } from '../events/event-map.js';
import type { Handler } from '../handlers/handler.js';
import type { InstanceOwner } from '../handlers/instance-source.js';

/** An event on its way to a handler that nobody waits for. */
export interface QueuedEvent {
  readonly handler: Handler;
  readonly event: CallbackEvent;
  /** The run that the event is of. */
  readonly run: InstanceOwner & {
    readonly signal: AbortSignal;
    insideHandler<R>(handler: Handler, call: () => R): R;
  };
  /** Tells that it came to nothing; in the log too, unless that has been said. Never rejects. */
  readonly failed: (error: unknown, isLogged?: boolean) => Promise<void> | undefined;
}
