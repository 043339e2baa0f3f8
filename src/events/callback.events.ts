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
