import type { CallbackEvent } from '../events/event-map.js';
import type { Handler } from '../handlers/handler.js';
import type { InstanceOwner } from '../handlers/instance-source.js';

/** An event on its way to a background or durable handler. */
export interface QueuedEvent {
  readonly handler: Handler;
  readonly event: CallbackEvent;
  /** The run of the event. */
  readonly run: InstanceOwner & {
    readonly signal: AbortSignal;
    insideHandler<R>(handler: Handler, call: () => R): R;
  };
  /** Reports the failure: emits `callback.error`, and logs it unless it was already logged. Never rejects. */
  readonly failed: (error: unknown, isLogged?: boolean) => Promise<void> | undefined;
}
