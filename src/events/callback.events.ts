import { brand } from '../util/brand.js';
import { RunEvent, type RunInfo } from './event.js';

/** A handler threw or timed out; the run continued. Handled by `@OnCallbackError()`. */
export class CallbackErrorEvent extends RunEvent {
  static {
    brand(this, 'class:CallbackErrorEvent');
  }

  readonly type = 'callback.error';
  /** The handler that failed, as `Class.method`. */
  readonly handler: string;
  /** The event that the handler received when it failed. */
  readonly event: RunEvent;
  readonly error: unknown;

  constructor(run: RunInfo, failure: { handler: string; event: RunEvent; error: unknown }) {
    super(run);
    this.handler = failure.handler;
    this.event = failure.event;
    this.error = failure.error;
  }

  protected fields(): readonly string[] {
    return ['handler', 'event', 'error'];
  }
}

/**
 * A handler returned, or failed, after this time. Handled by `@OnCallbackEnd()`.
 *
 * Emitted only if something handles it, and never for handlers of `llm.chunk` and `callback.*` events. It is not an event
 * of `@OnAnyEvent()`: such a handler would receive one more event for each handler of each event, its own included.
 */
export class CallbackEndEvent extends RunEvent {
  static {
    brand(this, 'class:CallbackEndEvent');
  }

  readonly type = 'callback.end';
  /** The handler, as `Class.method`. */
  readonly handler: string;
  /** The type of the event that the handler received. */
  readonly eventType: string;
  /** Milliseconds until the handler returned, or its promise settled. */
  readonly durationMs: number;
  /** Whether it threw, rejected or exceeded its `timeoutMs`. */
  readonly failed: boolean;

  constructor(
    run: RunInfo,
    call: { handler: string; eventType: string; durationMs: number; failed: boolean },
  ) {
    super(run);
    this.handler = call.handler;
    this.eventType = call.eventType;
    this.durationMs = call.durationMs;
    this.failed = call.failed;
  }

  protected fields(): readonly string[] {
    return ['handler', 'eventType', 'durationMs', 'failed'];
  }
}

/** An event of the application, emitted by `callbacks.emit()`. Handled by `@OnCustomEvent()`. */
export class CustomCallbackEvent extends RunEvent {
  static {
    brand(this, 'class:CustomCallbackEvent');
  }

  readonly type = 'custom';
  /** The name that was given to `emit()`. */
  readonly name: string;
  /** The data that was given to `emit()`, the same value for all handlers. */
  readonly data: unknown;

  constructor(run: RunInfo, payload: { name: string; data?: unknown }) {
    super(run);
    this.name = payload.name;
    this.data = payload.data;
  }

  protected fields(): readonly string[] {
    return ['name', 'data'];
  }
}
